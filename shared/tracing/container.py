"""Tracing of the container: requests, store and audit database calls, and workers."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from starlette.types import ASGIApp

from shared.composition.backend import Backend
from shared.domain.naming import tenant_and_id
from shared.ports import Wakeup
from shared.tracing.calls import trace_always, trace_within
from shared.tracing.export import finish, provider
from shared.tracing.log import tell_traces
from shared.tracing.requests import RequestSpans

_STORE = ("load", "load_many", "commit", "release")
_OUTBOX = ("settle", "waiting", "newest", "newest_of")
_TRAIL = ("events", "last", "last_of", "at_version", "at_instant")


def trace(
    backend: Backend, version: str, machine: str
) -> tuple[Callable[[ASGIApp], ASGIApp], Callable[[], None]]:
    """Start tracing the calls of `backend`.

    Returns an ASGI middleware that puts a span around each request, and a function that sends the
    remaining spans within 2 s.
    """
    made = provider(version, machine)
    tracer = made.get_tracer("synckairos", version)
    trace_within(tracer, backend.store, "redis", *_STORE)
    trace_within(tracer, backend.outbox, "redis", *_OUTBOX)
    trace_always(tracer, backend.wakeups, "handle_deadline", "expiry wake", _of_wakeup)
    if backend.audit:
        trace_within(tracer, backend.audit, "postgresql", *_TRAIL)
        trace_always(tracer, backend.audit, "append", "audit batch", _of_batch)
    tell_traces()
    return partial(RequestSpans, tracer=tracer), partial(finish, made)


def _of_wakeup(claimed: Wakeup) -> dict[str, Any]:
    return {"synckairos.session_id": tenant_and_id(claimed.name)[1]}


def _of_batch(entries: Sequence[bytes]) -> dict[str, Any]:
    return {"synckairos.entries": len(entries)}

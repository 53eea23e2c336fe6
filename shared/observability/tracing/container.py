"""Tracing of the container: requests, store and audit database calls, and workers."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from opentelemetry.trace import format_trace_id, get_current_span
from starlette.types import ASGIApp

from shared.application.ports.session_store import Wakeup
from shared.composition.backend import Backend
from shared.domain.session import tenant_and_id
from shared.observability.tracing.export import shut_down, tracer_provider
from shared.observability.tracing.method_spans import trace_all_calls, trace_child_calls
from shared.observability.tracing.requests import TracingMiddleware

_STORE = ("load", "load_many", "commit", "release")
_OUTBOX = ("settle", "waiting", "newest", "newest_versions_of")
_TRAIL = ("events", "last", "newest_of", "at_version", "at_instant")


def instrument(
    backend: Backend, version: str, machine: str
) -> tuple[Callable[[ASGIApp], ASGIApp], Callable[[], None]]:
    """Start tracing the calls of `backend`.

    Returns an ASGI middleware that puts a span around each request, and a function that sends the
    remaining spans within 2 s.
    """
    provider = tracer_provider(version, machine)
    tracer = provider.get_tracer("synckairos", version)
    trace_child_calls(tracer, backend.store, "redis", *_STORE)
    trace_child_calls(tracer, backend.outbox, "redis", *_OUTBOX)
    trace_all_calls(tracer, backend.wakeups, "handle_deadline", "expiry wake", _of_wakeup)
    if backend.audit:
        trace_child_calls(tracer, backend.audit, "postgresql", *_TRAIL)
        trace_all_calls(tracer, backend.audit, "append", "audit batch", _of_batch)
    _add_trace_ids_to_logs()
    return partial(TracingMiddleware, tracer=tracer), partial(shut_down, provider)


def _of_wakeup(claimed: Wakeup) -> dict[str, Any]:
    return {"synckairos.session_id": tenant_and_id(claimed.name)[1]}


def _of_batch(entries: Sequence[bytes]) -> dict[str, Any]:
    return {"synckairos.entries": len(entries)}


def _add_trace_ids_to_logs() -> None:
    """Add `trace_id` to every log record of this process that is made within a trace."""
    default_factory = logging.getLogRecordFactory()

    def with_trace_id(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = default_factory(*args, **kwargs)
        context = get_current_span().get_span_context()
        if context.is_valid:
            record.trace_id = format_trace_id(context.trace_id)
        return record

    logging.setLogRecordFactory(with_trace_id)

"""Spans around calls to our own parts: what a request, or a worker, spends its time on."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from opentelemetry.trace import SpanKind, Tracer, get_current_span

Call = Callable[..., Awaitable[Any]]
Describe = Callable[..., dict[str, Any]]


def trace_within(tracer: Tracer, part: object, system: str, *methods: str) -> None:
    """A span for each call of `methods` of `part` that belongs to something traced.

    Loops that ask the store again and again belong to nothing, and leave no spans.
    """
    attributes = {"db.system.name": system}

    def wrapped(name: str, call: Call) -> Call:
        @wraps(call)
        async def within(*args: Any, **kwargs: Any) -> Any:
            if not get_current_span().is_recording():
                return await call(*args, **kwargs)
            with tracer.start_as_current_span(name, None, SpanKind.CLIENT, attributes):
                return await call(*args, **kwargs)

        return within

    for name in methods:
        setattr(part, name, wrapped(name, getattr(part, name)))


def trace_always(tracer: Tracer, part: object, method: str, name: str, describe: Describe) -> None:
    """A span for each call of `method` of `part`, whoever makes it; `describe` tells more of it."""
    call: Call = getattr(part, method)

    @wraps(call)
    async def always(*args: Any, **kwargs: Any) -> Any:
        attributes = describe(*args, **kwargs)
        with tracer.start_as_current_span(name, None, SpanKind.INTERNAL, attributes):
            return await call(*args, **kwargs)

    setattr(part, method, always)

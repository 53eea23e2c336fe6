"""Spans around method calls, to show where a request or a worker spends its time."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from opentelemetry.trace import SpanKind, Tracer, get_current_span

Call = Callable[..., Awaitable[Any]]
SpanAttributes = Callable[..., dict[str, Any]]


def trace_child_calls(tracer: Tracer, part: object, system: str, *methods: str) -> None:
    """Wrap `methods` of `part` so that each call within a recording span gets a child span.

    Calls outside a trace, such as those of polling loops, leave no spans.
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


def trace_all_calls(
    tracer: Tracer, part: object, method: str, name: str, describe: SpanAttributes
) -> None:
    """Wrap `method` of `part` so that each call gets a span, with the attributes of `describe`."""
    call: Call = getattr(part, method)

    @wraps(call)
    async def always(*args: Any, **kwargs: Any) -> Any:
        attributes = describe(*args, **kwargs)
        with tracer.start_as_current_span(name, None, SpanKind.INTERNAL, attributes):
            return await call(*args, **kwargs)

    setattr(part, method, always)

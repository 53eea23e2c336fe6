"""A span for each request, by the OpenTelemetry semantic conventions for HTTP servers.

Spans never include the query, which may hold the token of a live connection.
"""

from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, use_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_UNTRACED = frozenset({"/health", "/ready", "/metrics"})
_EVENT_STREAM = b"text/event-stream"

_propagator = TraceContextTextMapPropagator()


class TracingMiddleware:
    """ASGI middleware that traces HTTP requests. The span of a stream ends when it begins."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in _UNTRACED:
            await self._app(scope, receive, send)
            return
        span = self._tracer.start_span(
            scope["method"],
            _caller_context(scope),
            SpanKind.SERVER,
            {"http.request.method": scope["method"], "url.scheme": scope["scheme"]},
        )

        async def send_and_record(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start":
                _record_response(span, message)
                if _is_stream(message):
                    _record_request(span, scope)
                    span.end()

        with use_span(span):
            try:
                await self._app(scope, receive, send_and_record)
            finally:
                if span.is_recording():
                    _record_request(span, scope)
                    span.end()


def _record_request(span: Span, scope: Scope) -> None:
    """Record the route and the session id, which are known only after routing."""
    route = getattr(scope.get("route"), "path", None)
    if route is None:
        return
    span.update_name(f"{scope['method']} {route}")
    span.set_attributes({"http.route": route, "url.path": scope["path"]})
    if session_id := _session_id(route, scope["path"]):
        span.set_attribute("synckairos.session_id", session_id)


def _record_response(span: Span, message: Message) -> None:
    status = message["status"]
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_attribute("error.type", str(status))
        span.set_status(StatusCode.ERROR)


def _session_id(route: str, path: str) -> str | None:
    """Return the segment of `path` that matches `{session_id}` in `route`."""
    pairs = zip(route.split("/"), path.split("/"), strict=False)
    return next((part for name, part in pairs if name == "{session_id}"), None)


def _is_stream(message: Message) -> bool:
    headers: Any = message.get("headers", ())
    return any(
        name.lower() == b"content-type" and value.startswith(_EVENT_STREAM)
        for name, value in headers
    )


def _caller_context(scope: Scope) -> Context:
    """Return the trace context that the caller sent (W3C Trace Context)."""
    wanted = (b"traceparent", b"tracestate")
    carrier = {n.decode(): v.decode("latin-1") for n, v in scope["headers"] if n in wanted}
    return _propagator.extract(carrier, Context())

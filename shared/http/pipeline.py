"""Serves HTTP requests, in the container and in functions.

The steps, in this order:

1.  take the client's request id if it is valid, else generate one (`ApiRequest`)
2.  answer CORS preflights (`Cors`)
3.  find the route by method and path (`RouteTable`); `HEAD` is served as `GET`
4.  authenticate the caller, count the request, authorize the operation (`AccessControl`)
5.  validate ids, header fields, and query or body, and report all errors at once (`inputs`)
6.  call the endpoint, which calls the service and renders the outcome
7.  render errors (`error_responses`)
8.  add header fields: request id, quota, security and caching (`response_headers`), CORS
9.  compress if the client accepts gzip, and send; without a body for `HEAD`
10. log and record metrics

Steps 1 and 8 to 10 apply to every request, including refused ones. WebSockets and the lifespan
protocol go to the ASGI application `others`.
"""

import logging
import time
from collections.abc import Callable, Iterable

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.application.authorization import Operation
from shared.application.errors import MethodNotAllowed, ServiceError
from shared.domain.errors import Refusal
from shared.http import inputs
from shared.http.compression import compressed
from shared.http.cors import Cors
from shared.http.error_responses import error_response, render_error
from shared.http.request import ApiRequest, Components
from shared.http.response_headers import add_common_headers
from shared.http.routing import Route, RouteTable

_log = logging.getLogger("synckairos.http")

_SESSIONS = "/v1/sessions"


class Pipeline:
    """ASGI application that serves `routes` with the `components` of an instance.

    Pages of `cors_origins` may call it. It calls `note_use` for each request and WebSocket of
    sessions, but not for probes and pages, so that an instance can rest despite them.
    """

    def __init__(
        self,
        routes: Iterable[Route],
        components: Components,
        cors_origins: list[str],
        others: ASGIApp | None = None,
        note_use: Callable[[], None] = lambda: None,
    ) -> None:
        self.routes = RouteTable(routes)
        self.components = components
        self._cors = Cors(cors_origins) if cors_origins else None
        self._others = others
        self._note_use = note_use

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request, or pass any other connection to `others`."""
        if scope.get("path", "").startswith(_SESSIONS):
            self._note_use()
        if scope["type"] != "http":
            if self._others:
                await self._others(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        request = ApiRequest(scope, receive, self.components)
        try:
            response = await self._response(request)
            status = response.status_code
            await self._send(request, response, send)
        except ClientDisconnect:
            _log.debug(
                "client disconnected while sending the body",
                extra={"request_id": request.request_id},
            )
        except Exception:
            _log.exception("request failed", extra={"request_id": request.request_id})
            if status:
                raise  # the response may have begun, so the server must close the connection
            status = 500
            response = error_response(
                request.request_id, 500, "INTERNAL_ERROR", "Internal server error"
            )
            await self._send(request, response, send)
        finally:
            self._report(request, status, (time.perf_counter() - started) * 1000)

    async def _response(self, request: ApiRequest) -> Response:
        """Return the endpoint's response, or the response to a refused request."""
        try:
            if self._cors and self._cors.is_preflight(request):
                return self._cors.preflight_response(request.headers)
            method = "GET" if request.is_head else request.method
            route, request.scope["path_params"] = self.routes.find(method, request.scope["path"])
            request.route = request.scope["route"] = route
            if route.requires:
                await self._authorize(request, route.requires)
            return await route.endpoint(request, *await inputs.read_input(request, route))
        except MethodNotAllowed as error:
            if request.method == "OPTIONS":
                return Response(status_code=204, headers=error.headers)
            return render_error(error, request.request_id)
        except (ServiceError, Refusal, inputs.RequestValidationError) as error:
            return render_error(error, request.request_id)

    async def _authorize(self, request: ApiRequest, operation: Operation) -> None:
        """Authenticate, count and authorize; sets the fields of `request` step by step.

        After an error, the fields that are already set are used for header fields and metrics.
        """
        access_control = self.components.access_control
        session_id = request.path_params.get("session_id")
        request.caller = await access_control.authenticate(request, operation)
        request.rate_limit = access_control.rate_limit(
            request, request.caller, operation, session_id
        )
        request.authorization = access_control.authorize(
            request, request.caller, operation, session_id, request.rate_limit
        )

    async def _send(self, request: ApiRequest, response: Response, send: Send) -> None:
        add_common_headers(response, request)
        if self._cors:
            send = self._cors.wrap_send(request, send)
        if request.is_head:
            send = _without_body(send)
        await compressed(response, request)(request.scope, request.receive, send)

    def _report(self, request: ApiRequest, status: int, elapsed_ms: float) -> None:
        route = request.route.path if request.route else "unmatched"
        if request.rate_limit:
            request.rate_limit.finish()
        caller = request.caller
        tenant = caller.tenant if caller else None
        self.components.metrics.observe_request(request.method, route, status, elapsed_ms, tenant)
        if _log.isEnabledFor(logging.INFO):
            _log.info(
                "%s %s %d",
                request.method,
                route,
                status,
                extra={
                    "request_id": request.request_id,
                    "session_id": request.path_params.get("session_id"),
                    "caller": caller and caller.name,
                    "duration_ms": round(elapsed_ms, 1),
                },
            )


def _without_body(send: Send) -> Send:
    """Return `send` for a response to `HEAD` (RFC 9110 section 9.3.2)."""

    async def send_without_body(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_without_body

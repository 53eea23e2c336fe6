"""Serves HTTP requests, in the container and in functions.

The steps, in this order:

1.  take the client's request id if it is valid, else generate one (`HttpRequest`)
2.  answer CORS preflights (`Cors`)
3.  find the route by method and path (`RouteTable`); `HEAD` is served as `GET`
4.  authenticate the caller, count the request, authorize the operation (`Gate`)
5.  validate ids, header fields, and query or body, and report all errors at once (`inputs`)
6.  call the endpoint, which calls the service and renders the outcome
7.  render errors (`errors`)
8.  add header fields: request id, quota, security and caching (`response_headers`), CORS
9.  compress if the client accepts gzip, and send; without a body for `HEAD`
10. log and record metrics

Steps 1 and 8 to 10 apply to every request, including refused ones. WebSockets and the lifespan
protocol go to the ASGI application `others`.
"""

import logging
import time
from collections.abc import Iterable

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.access.rights import Operation
from shared.domain.errors import Refusal
from shared.errors import MethodNotAllowed, ServiceError
from shared.http import inputs
from shared.http.call import Call
from shared.http.compression import compressed
from shared.http.cors import Cors
from shared.http.errors import error_answer, rendered
from shared.http.parts import Parts
from shared.http.response_headers import complete
from shared.http.routing import Route, RouteTable

_log = logging.getLogger("synckairos.http")


class Pipeline:
    """ASGI application that serves `routes` with the `parts` of an instance.

    Pages of `cors_origins` may call it.
    """

    def __init__(
        self,
        routes: Iterable[Route],
        parts: Parts,
        cors_origins: list[str],
        others: ASGIApp | None = None,
    ) -> None:
        self.routes = RouteTable(routes)
        self.parts = parts
        self._cors = Cors(cors_origins) if cors_origins else None
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request, or pass any other connection to `others`."""
        if scope["type"] == "http":
            await self._serve(Call(scope, receive, self.parts), send)
        elif self._others:
            await self._others(scope, receive, send)

    async def _serve(self, call: Call, send: Send) -> None:
        started = time.perf_counter()
        status = 0
        try:
            response = await self._response(call)
            status = response.status_code
            await self._send(call, response, send)
        except ClientDisconnect:
            _log.debug(
                "client disconnected while sending the body", extra={"request_id": call.request_id}
            )
        except Exception:
            _log.exception("request failed", extra={"request_id": call.request_id})
            if status:
                raise  # the response may have begun, so the server must close the connection
            status = 500
            response = error_answer(call.request_id, 500, "INTERNAL_ERROR", "Internal server error")
            await self._send(call, response, send)
        finally:
            self._report(call, status, (time.perf_counter() - started) * 1000)

    async def _response(self, call: Call) -> Response:
        """Return the endpoint's response, or the response to a refused request."""
        try:
            if self._cors and self._cors.is_preflight(call):
                return self._cors.preflight_response(call.headers)
            method = "GET" if call.is_head else call.method
            route, call.scope["path_params"] = self.routes.find(method, call.scope["path"])
            call.route = call.scope["route"] = route
            if route.requires:
                await self._authorize(call, route.requires)
            return await route.endpoint(call, *await inputs.read(call, route))
        except MethodNotAllowed as error:
            if call.method == "OPTIONS":
                return Response(status_code=204, headers=error.headers)
            return rendered(error, call.request_id)
        except (ServiceError, Refusal, inputs.InvalidInput) as error:
            return rendered(error, call.request_id)

    async def _authorize(self, call: Call, operation: Operation) -> None:
        """Authenticate, count and authorize; sets the fields of `call` step by step.

        After an error, the fields that are already set are used for header fields and metrics.
        """
        gate, session_id = self.parts.gate, call.path_params.get("session_id")
        call.caller = await gate.authenticate(call, operation)
        call.allowance = gate.allowance(call, call.caller, operation, session_id)
        call.permit = gate.authorize(call, call.caller, operation, session_id, call.allowance)

    async def _send(self, call: Call, response: Response, send: Send) -> None:
        complete(response, call)
        if self._cors:
            send = self._cors.telling(call, send)
        if call.is_head:
            send = _without_body(send)
        await compressed(response, call)(call.scope, call.receive, send)

    def _report(self, call: Call, status: int, elapsed_ms: float) -> None:
        route = call.route.path if call.route else "unmatched"
        if call.allowance:
            call.allowance.settle()
        caller = call.caller
        tenant = caller.tenant if caller else None
        self.parts.metrics.observe_request(call.method, route, status, elapsed_ms, tenant)
        if _log.isEnabledFor(logging.INFO):
            _log.info(
                "%s %s %d",
                call.method,
                route,
                status,
                extra={
                    "request_id": call.request_id,
                    "session_id": call.path_params.get("session_id"),
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

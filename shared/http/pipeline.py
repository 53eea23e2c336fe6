"""The way of every HTTP request, in the container and in a function.

The steps, in this order:

1.  request id: the client's own where it is acceptable, else a fresh one (`Call`)
2.  preflights of browsers are answered (`Cors`)
3.  route: the endpoint at this method and path (`RouteTable`); a `HEAD` is served as the `GET`
4.  authenticate the caller, count the request, authorize the operation (`Gate`)
5.  parse: ids, header fields, query or body, all faults at once (`inputs`)
6.  handle: the endpoint calls the service and renders what happened
7.  render an error as its one answer (`errors`)
8.  header fields: request id, quota, what browsers and caches may do (`response_headers`), CORS
9.  compress for clients that take gzip, and send; no body for `HEAD`
10. log and measure, whatever the answer was

Steps 1 and 8 to 10 hold for every request, refused ones included. WebSockets and the start and
stop of the process are not requests: they go to the application behind (`others`).
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
    """Serves the `routes` with the `parts` of an instance; pages of `cors_origins` may call."""

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
        """Serve one request, or hand on what is none."""
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
            _log.debug("the client left in mid-body", extra={"request_id": call.request_id})
        except Exception:
            _log.exception("request failed", extra={"request_id": call.request_id})
            if status:
                raise  # the answer has begun: all that is left is to end the connection
            status = 500
            message = "Something went wrong here"
            failure = error_answer(call.request_id, 500, "INTERNAL_ERROR", message)
            await self._send(call, failure, send)
        finally:
            self._report(call, status, (time.perf_counter() - started) * 1000)

    async def _response(self, call: Call) -> Response:
        """What the endpoint answers, or the answer to what is wrong with the request."""
        try:
            if self._cors and self._cors.is_preflight(call):
                return self._cors.preflight_response(call.headers)
            method = "GET" if call.is_head else call.method
            route, call.scope["path_params"] = self.routes.find(method, call.scope["path"])
            call.route = call.scope["route"] = route
            if route.requires:
                await self._admit(call, route.requires)
            return await route.endpoint(call, *await inputs.read(call, route))
        except MethodNotAllowed as error:
            if call.method == "OPTIONS":
                return Response(status_code=204, headers=error.headers)
            return rendered(error, call.request_id)
        except (ServiceError, Refusal, inputs.InvalidInput) as error:
            return rendered(error, call.request_id)

    async def _admit(self, call: Call, operation: Operation) -> None:
        """Authenticate, count and authorize. What was found out before an error stays in `call`."""
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
    """`send` for the answer to a `HEAD` request (RFC 9110 section 9.3.2)."""

    async def send_without_body(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_without_body

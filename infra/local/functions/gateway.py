"""API Gateway HTTP API: route requests to functions and return their responses."""

from collections.abc import Mapping
from urllib.parse import unquote
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from infra.local.functions.events import HttpRequest, http_api_event
from infra.local.functions.pool import ConcurrencyLimitExceeded, InstancePool
from infra.local.functions.responses import MalformedResponse, error_response, response_to
from infra.local.functions.routes import RouteTable
from infra.local.functions.runtime_api import FunctionError
from infra.local.functions.serverless_config import FunctionConfig

_MAX_BODY_BYTES = 10 * 1024 * 1024


class _TooLarge(Exception):
    pass


class Gateway:
    """ASGI application in front of all functions."""

    def __init__(
        self,
        functions: Mapping[str, FunctionConfig],
        pools: Mapping[str, InstancePool],
        wait_timeout_s: float,
    ) -> None:
        self._routes = RouteTable(functions.values())
        self._pools = pools
        self._wait_timeout_s = wait_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        request_id = str(uuid4())
        response = await self._respond(Request(scope, receive), request_id)
        response.headers["apigw-requestid"] = request_id
        await response(scope, receive, send)

    async def _respond(self, request: Request, request_id: str) -> Response:
        path = request.scope["raw_path"].decode("latin-1")
        match = self._routes.match(request.method, unquote(path))
        if match is None:
            return error_response(404, "Not Found")
        try:
            call = await _call(request, path, request_id)
            event = http_api_event(call, match.route, match.path_parameters)
            result = await self._pools[match.function].invoke(event, self._wait_timeout_s)
            return response_to(result)
        except _TooLarge:
            return error_response(413, "Request Entity Too Large")
        except ConcurrencyLimitExceeded:
            return error_response(503, "Service Unavailable")
        except (FunctionError, MalformedResponse):
            return error_response(500, "Internal Server Error")


async def _call(request: Request, path: str, request_id: str) -> HttpRequest:
    return HttpRequest(
        method=request.method,
        path=path,
        query=request.scope["query_string"].decode("latin-1"),
        headers=tuple(request.headers.items()),
        body=await _body(request),
        source_ip=request.client.host if request.client else "127.0.0.1",
        scheme=request.url.scheme,
        request_id=request_id,
    )


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            raise _TooLarge
    return bytes(body)

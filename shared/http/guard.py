"""Routes that nobody comes to but through the gate."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute

from shared.access.rights import Operation
from shared.http.gate import gate_of
from shared.http.json_route import JsonRoute

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
_SECURITY: dict[str, Any] = {"security": [{"bearer": []}]}
_OPERATION = "__operation__"


def asks_to(operation: Operation) -> Callable[[Endpoint], Endpoint]:
    """Says which operation of the rights table an endpoint does."""

    def marked(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _OPERATION, operation)
        return endpoint

    return marked


class GuardedRoute(APIRoute):
    """A route that looks at nothing of a request before its caller is let in.

    An endpoint that doesn't say what it does (`asks_to`) can't be routed at all.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self.operation: Operation = getattr(endpoint, _OPERATION)
        options["openapi_extra"] = _SECURITY | (options.get("openapi_extra") or {})
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, behind the gate."""
        handle = super().get_route_handler()

        async def handle_admitted(request: Request) -> Response:
            session_id = request.path_params.get("session_id")
            await gate_of(request).admit(request, self.operation, session_id)
            return await handle(request)

        return handle_admitted


class GuardedJsonRoute(GuardedRoute, JsonRoute):
    """The same for a route that reads JSON."""

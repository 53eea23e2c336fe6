"""Reverse proxy for the other services at a project's URL."""

from collections.abc import Iterable

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

_TIMEOUT_S = 60.0
_NOT_FORWARDED = frozenset(
    ("connection", "content-length", "host", "keep-alive", "te", "transfer-encoding", "upgrade")
)


class ReverseProxy:
    """Forwards requests to the server at `url` and returns its responses."""

    def __init__(self, url: str | None) -> None:
        self._http = httpx.AsyncClient(base_url=url or "", timeout=_TIMEOUT_S)
        self._http.headers.clear()  # send only the client's headers, not httpx's defaults
        self._has_upstream = url is not None

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def forward(self, request: Request) -> Response:
        """Return the server's response; 404 if there is no server, 502 if it is unreachable."""
        if not self._has_upstream:
            return JSONResponse({"message": "no Route matched with those values"}, 404)
        path = request.scope["raw_path"].decode()
        query = request.scope["query_string"].decode()
        outgoing = self._http.build_request(
            request.method,
            f"{path}?{query}" if query else path,
            headers=_end_to_end(request.headers.items()),
            content=await request.body(),
        )
        try:
            incoming = await self._http.send(outgoing, stream=True)
            body = b"".join([piece async for piece in incoming.aiter_raw()])
        except httpx.TransportError:
            text = "An invalid response was received from the upstream server"
            return JSONResponse({"message": text}, 502)
        response = Response(body, incoming.status_code)
        for name, value in _end_to_end(incoming.headers.multi_items()):
            response.headers.append(name, value)
        return response


def _end_to_end(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() not in _NOT_FORWARDED]

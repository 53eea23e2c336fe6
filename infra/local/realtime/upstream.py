"""Everything else that answers at a project's URL, served by somebody else."""

from collections.abc import Iterable

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

_TIMEOUT_S = 60.0
_OF_THE_CONNECTION = frozenset(
    ("connection", "content-length", "host", "keep-alive", "te", "transfer-encoding", "upgrade")
)


class Upstream:
    """Hands requests on to the server at `url`, and its answers back."""

    def __init__(self, url: str | None) -> None:
        self._http = httpx.AsyncClient(base_url=url or "", timeout=_TIMEOUT_S)
        self._http.headers.clear()  # it asks for nothing of its own
        self._is_there = url is not None

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def forward(self, request: Request) -> Response:
        """Its answer; 404 where there is no such server, 502 where it doesn't answer."""
        if not self._is_there:
            return JSONResponse({"message": "no Route matched with those values"}, 404)
        path = request.scope["raw_path"].decode()
        query = request.scope["query_string"].decode()
        asked = self._http.build_request(
            request.method,
            f"{path}?{query}" if query else path,
            headers=_end_to_end(request.headers.items()),
            content=await request.body(),
        )
        try:
            answer = await self._http.send(asked, stream=True)
            body = b"".join([piece async for piece in answer.aiter_raw()])
        except httpx.TransportError:
            said = "An invalid response was received from the upstream server"
            return JSONResponse({"message": said}, 502)
        response = Response(body, answer.status_code)
        for name, value in _end_to_end(answer.headers.multi_items()):
            response.headers.append(name, value)
        return response


def _end_to_end(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() not in _OF_THE_CONNECTION]

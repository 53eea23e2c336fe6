"""`GET /api-docs`: the API, to be read and tried; `/api-docs.json` is the document behind it."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import fastapi_swagger
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from shared.http.packed import file_answer
from shared.http.security_headers import page_headers
from shared.serverless.http_function import HttpFunction

router = APIRouter(include_in_schema=False)

_ASSETS = Path(fastapi_swagger.__file__).parent / "resources"
_NAMES = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")

_PAGE = """\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>SyncKairos API</title>
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <link rel="icon" href="/api-docs/favicon-32x32.png">
    <link rel="stylesheet" href="/api-docs/swagger-ui.css">
    <script src="/api-docs/swagger-ui-bundle.js" defer></script>
    <script src="/api-docs/start.js" defer></script>
  </head>
  <body>
    <div id="swagger-ui"></div>
  </body>
</html>
"""
_START = """\
SwaggerUIBundle({
  url: "/api-docs.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
});
"""
"""A file of its own, for the page's policy lets no script in that stands in the page."""


@router.get("/api-docs")
async def docs() -> HTMLResponse:
    """Swagger UI, served from here: no other host is asked for anything."""
    return HTMLResponse(_PAGE, headers=page_headers())


@router.get("/api-docs/start.js")
async def start() -> Response:
    """What makes the page of the document."""
    return Response(_START, media_type="text/javascript")


def _serving(path: Path) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that answers with the file at `path`."""

    async def serve(request: Request) -> Response:
        return await file_answer(request, path)

    return serve


for _name in _NAMES:
    router.add_api_route(f"/api-docs/{_name}", _serving(_ASSETS / _name), methods=["GET"])


def _all_routers() -> list[APIRouter]:
    from functions.endpoints import ROUTERS

    return ROUTERS


handler = HttpFunction(_all_routers, describes_itself=True)
"""Also where every address leads that no other function takes: it knows which methods there are."""

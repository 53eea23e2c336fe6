"""`GET /api-docs`: Swagger UI for the OpenAPI document at `/api-docs.json`."""

from importlib.util import find_spec
from pathlib import Path

from starlette.responses import HTMLResponse, Response

from shared.http.request import ApiRequest
from shared.http.response_headers import page_headers
from shared.http.routing import Endpoint, Routes
from shared.http.static_documents import file_response

routes = Routes()


def _package_folder(name: str) -> Path:
    """Return the folder of a package without importing it: this one imports FastAPI."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


_ASSETS = _package_folder("fastapi_swagger") / "resources"
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
"""Served as a separate file, because the Content-Security-Policy forbids inline scripts."""


@routes.get("/api-docs")
async def docs(_: ApiRequest) -> HTMLResponse:
    """Return the page of Swagger UI, which loads nothing from other hosts."""
    return HTMLResponse(_PAGE, headers=page_headers())


@routes.get("/api-docs/start.js")
async def start(_: ApiRequest) -> Response:
    """Return the script that starts Swagger UI."""
    return Response(_START, media_type="text/javascript")


def _serving(path: Path) -> Endpoint:

    async def serve(request: ApiRequest) -> Response:
        return await file_response(request, path)

    return serve


for _name in _NAMES:
    routes.get(f"/api-docs/{_name}")(_serving(_ASSETS / _name))

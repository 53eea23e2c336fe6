"""`GET /api-docs`: the API, to be read and tried; `/api-docs.json` is the document behind it."""

from pathlib import Path

import fastapi_swagger
from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

from shared.serverless.http_function import HttpFunction

router = APIRouter(include_in_schema=False)

_ASSETS = Path(fastapi_swagger.__file__).parent / "resources"
_NAMES = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")


@router.get("/api-docs")
async def docs() -> HTMLResponse:
    """Swagger UI, served from here: no other host is asked for anything."""
    script, style, icon = (f"/api-docs/{name}" for name in _NAMES)
    return get_swagger_ui_html(
        openapi_url="/api-docs.json",
        title="SyncKairos API",
        swagger_js_url=script,
        swagger_css_url=style,
        swagger_favicon_url=icon,
    )


for _name in _NAMES:
    router.add_api_route(
        f"/api-docs/{_name}", lambda path=_ASSETS / _name: FileResponse(path), methods=["GET"]
    )


def _all_routers() -> list[APIRouter]:
    from functions.endpoints import ROUTERS

    return ROUTERS


handler = HttpFunction(_all_routers, describes_itself=True)
"""Also where every address leads that no other function takes: it knows which methods there are."""

"""`GET /`: the console, one page of plain ES modules."""

import os
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.routing import Mount

from shared.http.packed import PackedFiles, file_answer
from shared.http.security_headers import page_headers
from shared.serverless.http_function import function_of

_ROOT = Path(__file__).parents[2]
_FILES = _ROOT / "functions" / "console"
_CLIENT = _ROOT / "clients" / "js"


class _Library(PackedFiles):
    """What pages import of the client library, and not what its own tests need beside it."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        is_module = path.endswith(".js") and not {"node_modules", "tests"} & set(Path(path).parts)
        return super().lookup_path(path) if is_module else ("", None)


router = APIRouter(include_in_schema=False)


@router.get("/")
async def page(request: Request) -> Response:
    """The page itself; its parts are beside it under `/console`."""
    elsewhere = request.app.state.subscriptions.origins
    headers = {"Cache-Control": "no-cache", **page_headers(elsewhere)}
    return await file_answer(request, _FILES / "index.html", headers)


router.routes.append(Mount("/console", PackedFiles(directory=_FILES)))
router.routes.append(Mount("/clients/js", _Library(directory=_CLIENT)))

handler = function_of(router)

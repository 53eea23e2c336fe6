"""`GET /`: the console, one page of plain ES modules."""

import os
from pathlib import Path

from starlette.responses import Response

from shared.http.call import Call
from shared.http.packed import PackedFiles, file_answer
from shared.http.response_headers import page_headers
from shared.http.routing import Endpoint, Routes
from shared.serverless.http_function import function_of

_ROOT = Path(__file__).parents[2]
_FILES = _ROOT / "clients" / "console"
_CLIENT = _ROOT / "clients" / "js"


class _Library(PackedFiles):
    """The modules of the client library, without its tests and their dependencies."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        is_module = path.endswith(".js") and not {"node_modules", "tests"} & set(Path(path).parts)
        return super().lookup_path(path) if is_module else ("", None)


routes = Routes()


@routes.get("/")
async def page(call: Call) -> Response:
    """Return the console's page; its scripts and styles are under `/console`."""
    other_origins = call.parts.subscriptions.origins
    headers = {"Cache-Control": "no-cache", **page_headers(other_origins)}
    return await file_answer(call, _FILES / "index.html", headers)


def _serving(files: PackedFiles) -> Endpoint:

    async def serve(call: Call) -> Response:
        return await files.at(call.path_params["rest"], call.scope)

    return serve


routes.get("/console/{rest}")(_serving(PackedFiles(directory=_FILES)))
routes.get("/clients/js/{rest}")(_serving(_Library(directory=_CLIENT)))

handler = function_of(routes)

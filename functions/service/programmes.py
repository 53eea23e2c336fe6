"""`GET /v1/programmes`: the programmes that a session can ask for by name."""

from starlette.responses import Response

from shared.application.programme_presets import programme_presets
from shared.http.rendering import json_response
from shared.http.request import ApiRequest
from shared.http.routing import ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("service")


@routes.get("/v1/programmes", ResponseSpec(200, "ProgrammesAnswer", "The programmes"))
async def read_programmes(_: ApiRequest) -> Response:
    """Return all named programmes, with their items."""
    return json_response({"programmes": list(programme_presets().values())})


handler = make_http_function(routes)

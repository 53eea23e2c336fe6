"""`GET /v1/time-controls`: the time controls that a session can ask for by name."""

from starlette.responses import Response

from shared.application.time_control_presets import presets
from shared.http.rendering import json_response
from shared.http.request import ApiRequest
from shared.http.routing import ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("service")


@routes.get("/v1/time-controls", ResponseSpec(200, "PresetsAnswer", "The time controls"))
async def read_time_controls(_: ApiRequest) -> Response:
    """Return all named time controls, with the time with which each clock begins."""
    return json_response({"time_controls": list(presets().values())})


handler = make_http_function(routes)

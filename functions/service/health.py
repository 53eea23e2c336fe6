"""`GET /health`: liveness. It checks nothing, so that an outage elsewhere restarts no instance."""

from starlette.responses import JSONResponse, Response

from shared.http.request import ApiRequest
from shared.http.routing import ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("service")


@routes.get("/health", ResponseSpec(200, "Health", "Alive"))
async def health(_: ApiRequest) -> Response:
    """Return 200 while the process runs, without checking anything else."""
    return JSONResponse({"status": "ok"})


handler = make_http_function(routes)

"""`GET /health`: liveness. It checks nothing, so that an outage elsewhere restarts no instance."""

from starlette.responses import JSONResponse, Response

from shared.http.call import Call
from shared.http.routing import Answers, Routes
from shared.serverless.http_function import function_of

routes = Routes("service")


@routes.get("/health", Answers(200, "Health", "Alive"))
async def health(_: Call) -> Response:
    """Return 200 while the process runs, without checking anything else."""
    return JSONResponse({"status": "ok"})


handler = function_of(routes)

"""`GET /health`: liveness. It touches nothing, so that an outage elsewhere restarts no instance."""

from starlette.responses import JSONResponse, Response

from shared.http.call import Call
from shared.http.routing import Answers, Routes
from shared.serverless.http_function import function_of

routes = Routes("service")


@routes.get("/health", Answers(200, "Health", "Alive"))
async def health(_: Call) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


handler = function_of(routes)

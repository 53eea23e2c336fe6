"""`GET /ready`: readiness of this instance and of the services that it depends on."""

from typing import Any

from starlette.responses import JSONResponse, Response

from shared.http.request import ApiRequest
from shared.http.routing import ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("service")


@routes.get(
    "/ready",
    ResponseSpec(200, "Readiness", "Ready, or degraded for the given `reasons`"),
    ResponseSpec(503, "Readiness", "Stopping, or not ready for the given `reasons`"),
)
async def ready(request: ApiRequest) -> Response:
    """Check that Redis takes writes and the audit database takes entries, at most once a second.

    Changes don't wait for the audit database: without it the service is degraded, not down.
    An instance that is shutting down is `stopping`, so that it gets no new clients.
    """
    found = await request.components.readiness.checks()
    status = "stopping" if request.components.is_shutting_down else found.status
    checks = {"redis": found.redis, "audit": found.audit}
    answer: dict[str, Any] = {"status": status, "checks": checks}
    if found.reasons:
        answer["reasons"] = found.reasons
    return JSONResponse(answer, 200 if status in ("ready", "degraded") else 503)


handler = make_http_function(routes)

"""`POST /v1/sessions/{id}/cancel`: end the session without a result."""

from shared.application.authorization import Operation
from shared.domain.commands import Cancel
from shared.http.command_routes import command_routes
from shared.serverless.http_function import make_http_function

routes = command_routes(
    Cancel(),
    Operation.CANCEL,
    "Cancelled",
    "End the session without a result. It must not have ended yet.",
)
handler = make_http_function(routes)

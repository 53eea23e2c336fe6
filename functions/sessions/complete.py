"""`POST /v1/sessions/{id}/complete`: end the session regularly."""

from shared.application.authorization import Operation
from shared.domain.commands import Complete
from shared.http.command_routes import command_routes
from shared.serverless.http_function import make_http_function

routes = command_routes(
    Complete(),
    Operation.COMPLETE,
    "Completed",
    "End the session regularly. It must not have ended yet.",
)
handler = make_http_function(routes)

"""`POST /v1/sessions/{id}/resume`: `paused` -> `running`."""

from shared.application.authorization import Operation
from shared.domain.commands import Resume
from shared.http.command_routes import command_routes
from shared.serverless.http_function import make_http_function

routes = command_routes(
    Resume(), Operation.RESUME, "Running again", "Continue the clocks that the pause stopped."
)
handler = make_http_function(routes)

"""`POST /v1/sessions/{id}/start`: `pending` -> `running`."""

from shared.application.authorization import Operation
from shared.domain.commands import Start
from shared.http.command_routes import command_routes
from shared.serverless.http_function import make_http_function

routes = command_routes(
    Start(), Operation.START, "Running", "Start the session with its first cycle."
)
handler = make_http_function(routes)

"""`POST /v1/sessions/{id}/pause`: `running` -> `paused`."""

from shared.application.authorization import Operation
from shared.domain.commands import Pause
from shared.http.command_routes import command_routes
from shared.serverless.http_function import make_http_function

routes = command_routes(
    Pause(), Operation.PAUSE, "Paused", "Stop all clocks, exact to the millisecond."
)
handler = make_http_function(routes)

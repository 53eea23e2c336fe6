"""`POST /v1/sessions/{id}/unschedule`: withdraw the command that is scheduled."""

from shared.application.authorization import Operation
from shared.domain.commands import Unschedule
from shared.http.command_routes import command_routes
from shared.serverless.http_function import make_http_function

routes = command_routes(
    Unschedule(),
    Operation.UNSCHEDULE,
    "Withdrawn",
    "Withdraw the command that was given ahead of time, before it takes effect.",
)
handler = make_http_function(routes)

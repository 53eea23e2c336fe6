"""`POST /v1/sessions/{id}/simulate`: what would happen if these operations came."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.application.simulation_view import simulation_view
from shared.http.error_responses import refusal_fields
from shared.http.rendering import json_response
from shared.http.request import ApiRequest
from shared.http.routing import ACTION_ERRORS, ResponseSpec, Routes
from shared.http.simulation_bodies import SimulationBody
from shared.serverless.http_function import make_http_function

routes = Routes("history")


@routes.post(
    "/v1/sessions/{session_id}/simulate",
    ResponseSpec(200, "SimulationAnswer", "Simulated", ACTION_ERRORS),
    requires=Operation.SIMULATE,
    takes=SimulationBody,
)
async def simulate(request: ApiRequest, body: SimulationBody) -> Response:
    """Return what would happen to the session from now on if these operations came, each at its
    time, and the session at the end. Nothing is changed.

    An operation that would be refused is an event with its error; the simulation goes on after it.
    """
    session, now = await request.read_session()
    commands, until = body.commands(now), body.end(now)
    return json_response(await simulation_view(session, now, commands, until, refusal_fields))


handler = make_http_function(routes)

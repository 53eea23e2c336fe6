"""`GET /v1/sessions/{id}/fairness`: the lag that was claimed and given back."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.application.session_view import fairness_view
from shared.http.rendering import session_response
from shared.http.request import ApiRequest
from shared.http.routing import IF_NONE_MATCH, NOT_MODIFIED, READ_ERRORS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("history")


@routes.get(
    "/v1/sessions/{session_id}/fairness",
    ResponseSpec(200, "FairnessAnswer", "The lag of each participant", READ_ERRORS),
    NOT_MODIFIED,
    requires=Operation.READ_HISTORY,
    parameters=(IF_NONE_MATCH,),
)
async def fairness(request: ApiRequest) -> Response:
    """Return the lag that each participant claimed and got back. Empty if the session has no `lag`.

    It is made from the session's state, so it is up to date with the last change.
    """
    session, _ = await request.read_session()
    return session_response(request, session, lambda: fairness_view(session))


handler = make_http_function(routes)

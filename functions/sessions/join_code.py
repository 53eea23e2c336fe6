"""`/v1/sessions/{id}/join-code`: open, show and close the code with which people join."""

from secrets import token_hex
from typing import Any

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.application.ports.join_codes import JoinCode
from shared.application.session_view import timestamp
from shared.http.conditional_changes import remember_for_session
from shared.http.join_bodies import JoinCodeBody
from shared.http.rendering import json_response, replay_headers
from shared.http.request import ApiRequest
from shared.http.routing import (
    ACTION_ERRORS,
    IDEMPOTENCY_KEY,
    READ_ERRORS,
    TOKEN_ERRORS,
    ResponseSpec,
    Routes,
)
from shared.serverless.http_function import make_http_function

routes = Routes("join codes")

_PATH = "/v1/sessions/{session_id}/join-code"


@routes.post(
    _PATH,
    ResponseSpec(201, "JoinCodeAnswer", "The open code", TOKEN_ERRORS),
    requires=Operation.MANAGE_JOIN_CODE,
    takes=JoinCodeBody,
    parameters=(IDEMPOTENCY_KEY,),
)
async def open_join_code(request: ApiRequest, body: JoinCodeBody) -> Response:
    """Open a code of six letters with which people join this session, without a token.

    A session has at most one code: the old one is closed, and the participants that were taken with
    it are free again. A retry with the same `Idempotency-Key` gets the same code.
    """
    session, _ = await request.read_session()
    access_control = request.components.access_control
    if access_control.requires_tokens:
        access_control.require_issuer()
    joins, terms = request.components.joins, body.terms()
    now = await joins.check(session, terms)
    facts, is_replayed = await remember_for_session(request, session, {"opening": token_hex(8)})
    code = await joins.open(request.authorization, session, terms, facts["opening"], now)
    return json_response(_view(code), replay_headers(is_replayed), 201)


@routes.get(
    _PATH,
    ResponseSpec(200, "JoinCodeAnswer", "The open code", READ_ERRORS),
    requires=Operation.MANAGE_JOIN_CODE,
)
async def read_join_code(request: ApiRequest) -> Response:
    """Return the open code of this session, and how often it was used; 404 without one.

    `joined` has the participants that were taken, with the ids by which their tokens can be
    revoked.
    """
    session, _ = await request.read_session()
    found = await request.components.joins.find(session)
    shown = _view(found.code)
    if found.code.role == "participant" and request.components.access_control.requires_tokens:
        shown["joined"] = [
            {"participant_id": participant_id, "token_id": token_id}
            for participant_id, token_id in found.taken.items()
        ]
    return json_response(shown)


@routes.delete(
    _PATH,
    ResponseSpec(204, None, "The session has no open code any more", ACTION_ERRORS),
    requires=Operation.MANAGE_JOIN_CODE,
)
async def close_join_code(request: ApiRequest) -> Response:
    """Close the code of this session; closing none also succeeds.

    Tokens that the code gave stay valid until they expire or are revoked.
    """
    session, _ = await request.read_session()
    await request.components.joins.close(session)
    return Response(status_code=204)


def _view(code: JoinCode) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "code": code.code,
        "role": code.role,
        "expires_at": timestamp(code.expires_at),
        "max_uses": code.max_uses,
        "uses": code.uses,
    }
    if code.newcomers is not None:
        shown["newcomers"] = code.newcomers
    return shown


handler = make_http_function(routes)

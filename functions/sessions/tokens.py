"""`/v1/sessions/{id}/tokens`: create tokens for others, and revoke them."""

import logging
import time
from secrets import token_hex
from typing import Any
from uuid import uuid4

from starlette.responses import Response

from shared.application.authorization import Caller, Operation, Role
from shared.application.errors import TooManyRevocations, Unauthenticated
from shared.application.ports.token_revocations import SessionToken
from shared.auth.tokens import TokenKind
from shared.domain.errors import UnknownParticipant
from shared.http.conditional_changes import remember_for_session
from shared.http.rendering import json_response, replay_headers, token_fields
from shared.http.request import ApiRequest
from shared.http.request_bodies import TokenBody
from shared.http.routing import (
    CONFLICT_ERRORS,
    IDEMPOTENCY_KEY,
    TOKEN_ERRORS,
    ResponseSpec,
    Routes,
)
from shared.http.token_issue import issue_instant
from shared.serverless.http_function import make_http_function

routes = Routes("tokens")

_PATH = "/v1/sessions/{session_id}/tokens"
_log = logging.getLogger("synckairos.security")


@routes.post(
    _PATH,
    ResponseSpec(201, "TokenAnswer", "The token", TOKEN_ERRORS),
    requires=Operation.ISSUE_TOKEN,
    takes=TokenBody,
    parameters=(IDEMPOTENCY_KEY,),
)
async def issue_token(request: ApiRequest, body: TokenBody) -> Response:
    """Create a token for this session only, valid for at most 24 h.

    A cohost may do everything with this session that its host may. What a cohost makes isn't valid
    for longer than its own token.

    It can be revoked by its `token_id`. A retry with the same `Idempotency-Key` gets the same
    token, with the same expiry.
    """
    session, _ = await request.read_session()
    if body.participant_id and session.find(body.participant_id) is None:
        raise UnknownParticipant(body.participant_id)
    issuer = request.components.access_control.require_issuer()
    # Tokens aren't stored. A retry rebuilds the same one from the stored claims that would differ.
    claims: dict[str, Any] = {
        "sub": body.participant_id or f"{body.role}-{token_hex(8)}",
        "iat": int(time.time()),
        "jti": str(uuid4()),
        "issued_at": await issue_instant(request.components, session.name),
    }
    first, is_replayed = await remember_for_session(request, session, claims)
    claims |= first
    bearer = Caller(
        role=Role(body.role),
        subject=claims["sub"],
        tenant=session.tenant,
        session_id=session.session_id,
        participant_id=body.participant_id,
        token=SessionToken(session.name, claims["jti"], claims["issued_at"]),
    )
    lifetime_s = _lifetime_s(body, request.authorization.caller, claims["iat"])
    token, expires_at_s = issuer.issue(TokenKind.SESSION, bearer, lifetime_s, claims["iat"])
    answer = {**token_fields(token, expires_at_s), "token_id": claims["jti"]}
    return json_response(answer, replay_headers(is_replayed), 201)


@routes.delete(
    _PATH,
    ResponseSpec(204, None, "No token that was issued before is valid", CONFLICT_ERRORS),
    requires=Operation.REVOKE_TOKENS,
)
async def revoke_all(request: ApiRequest) -> Response:
    """Revoke all tokens for this session that were issued until now, also those of your backend.

    Requests with them get 401 from now on, and their live connections are closed. Tokens of hosts
    and services stay valid, because they are not for one session.
    """
    return await _revoke(request, None)


@routes.delete(
    f"{_PATH}/{{token_id}}",
    ResponseSpec(204, None, "The token is not valid any more", CONFLICT_ERRORS),
    requires=Operation.REVOKE_TOKENS,
)
async def revoke(request: ApiRequest) -> Response:
    """Revoke one token for this session, which stays revoked until it would have expired.

    Tokens aren't stored, so an unknown id succeeds too. Tokens that a cohost made with it stay
    valid.
    """
    return await _revoke(request, request.token_id)


async def _revoke(request: ApiRequest, token_id: str | None) -> Response:
    session, _ = await request.read_session()
    if not await request.components.revocations.revoke(session.name, token_id):
        raise TooManyRevocations
    _log.info(
        "%s revoked by %s",
        f"token {token_id}" if token_id else "all tokens of the session",
        request.authorization.caller.name,
        extra={"request_id": request.request_id, "session_id": session.session_id},
    )
    return Response(status_code=204)


def _lifetime_s(body: TokenBody, caller: Caller, issued_at_s: int) -> int:
    """Return the lifetime (s) of a token, which doesn't outlive a cohost's own token.

    Raises `Unauthenticated` if that one has expired, although other requests still accept it for
    some seconds.
    """
    lifetime_s = body.lifetime_ms // 1000
    if caller.role is not Role.COHOST or caller.expires_at is None:
        return lifetime_s
    left_s = int(caller.expires_at) - issued_at_s
    if left_s <= 0:
        raise Unauthenticated("The token has expired")
    return min(lifetime_s, left_s)


handler = make_http_function(routes)

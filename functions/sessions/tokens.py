"""`POST /v1/sessions/{id}/tokens`: create a token for somebody else."""

import time
from secrets import token_hex
from typing import Any

from starlette.responses import Response

from shared.application.authorization import Caller, Operation, Role
from shared.application.errors import Unauthenticated
from shared.auth.tokens import TokenKind
from shared.domain.errors import UnknownParticipant
from shared.http.conditional_changes import remember_first_attempt
from shared.http.rendering import json_response, replay_headers, token_fields
from shared.http.request import ApiRequest
from shared.http.request_bodies import TokenBody
from shared.http.routing import IDEMPOTENCY_KEY, TOKEN_ERRORS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("tokens")


@routes.post(
    "/v1/sessions/{session_id}/tokens",
    ResponseSpec(201, "TokenAnswer", "The token", TOKEN_ERRORS),
    requires=Operation.MINT_TOKEN,
    takes=TokenBody,
    parameters=(IDEMPOTENCY_KEY,),
)
async def mint(request: ApiRequest, body: TokenBody) -> Response:
    """Create a token for this session only, valid for at most 24 h.

    A cohost may do everything with this session that its host may. What a cohost makes isn't valid
    for longer than its own token.

    Tokens can't be revoked, so issue short-lived ones and renew them. A retry with the same
    `Idempotency-Key` gets the same token, with the same expiry.
    """
    session, _ = await request.read_session()
    if body.participant_id and session.find(body.participant_id) is None:
        raise UnknownParticipant(body.participant_id)
    issuer = request.components.access_control.require_issuer()
    # Tokens aren't stored. A retry rebuilds the same one from the stored claims that would differ.
    claims: dict[str, Any] = {
        "sub": body.participant_id or f"{body.role}-{token_hex(8)}",
        "iat": int(time.time()),
    }
    claims, is_replayed = await remember_first_attempt(request, session.name, claims)
    bearer = Caller(
        role=Role(body.role),
        subject=claims["sub"],
        tenant=session.tenant,
        session_id=session.session_id,
        participant_id=body.participant_id,
    )
    lifetime_s = _lifetime_s(body, request.authorization.caller, claims["iat"])
    token, expires_at_s = issuer.mint(TokenKind.SESSION, bearer, lifetime_s, claims["iat"])
    return json_response(token_fields(token, expires_at_s), replay_headers(is_replayed), 201)


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

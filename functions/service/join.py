"""`POST /v1/join`: join a session with a code, without a token."""

import time
from hashlib import sha256
from secrets import token_hex
from typing import Any

import msgspec
from starlette.responses import Response

from shared.application.authorization import Caller, Role
from shared.application.join_service import Choice, Joiner
from shared.application.ports.join_codes import Joined, JoinRequest
from shared.application.ports.token_revocations import SessionToken
from shared.auth.tokens import MAX_LIFETIME_S, TokenKind
from shared.domain.session import Participant, session_name
from shared.http.client_address import public_url
from shared.http.join_bodies import JoinBody
from shared.http.rendering import json_response, token_fields
from shared.http.request import ApiRequest
from shared.http.routing import JOIN_ERRORS, SECRET_IDEMPOTENCY_KEY, ResponseSpec, Routes
from shared.http.token_issue import issue_instant
from shared.serverless.http_function import make_http_function

routes = Routes("join codes")


@routes.post(
    "/v1/join",
    ResponseSpec(200, "JoinAnswer", "Joined, or the choice of participants", JOIN_ERRORS),
    takes=JoinBody,
    parameters=(SECRET_IDEMPOTENCY_KEY,),
)
async def join(request: ApiRequest, body: JoinBody) -> Response:
    """Join a session with a code: get a token for it, and the address of its page.

    If the code is for participants and the request names none, the answer has no token but
    `participants`, those who are free: ask again with one of their ids, or with a name if
    `may_add`. Unknown, closed, expired and used-up codes are 404 alike. A retry with the same
    `Idempotency-Key` and body uses the code only once.
    """
    address, rate_limit = request.components.access_control.admit_joiner(request)
    request.rate_limit = rate_limit
    joiner = Joiner(
        address=address,
        letters=body.code,
        participant_id=body.participant_id,
        name=body.name,
        request=_request(request.idempotency_key, body),
        request_id=request.request_id,
    )
    found = await request.components.joins.join(joiner, rate_limit)
    shown = _choice(found) if isinstance(found, Choice) else await _joined(request, found)
    return json_response(shown)


def _request(key: str | None, body: JoinBody) -> JoinRequest | None:
    """Return hashes of the key and of the wanted participant, by which a retry is recognised."""
    if key is None:
        return None
    wanted = msgspec.json.encode([body.participant_id, body.name])
    return JoinRequest(_hash(key.encode()), _hash(wanted))


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()[:32]


def _choice(found: Choice) -> dict[str, Any]:
    return {
        "session_id": found.code.session_id,
        "role": found.code.role,
        "participants": list(map(_named, found.free)),
        "may_add": found.code.newcomers is not None,
    }


def _named(participant: Participant) -> dict[str, str]:
    shown = {"participant_id": participant.participant_id}
    return shown | ({"name": participant.name} if participant.name else {})


async def _joined(request: ApiRequest, joined: Joined) -> dict[str, Any]:
    code = joined.code
    has_token = request.components.access_control.requires_tokens
    token = await _token(request, joined) if has_token else {}
    url = public_url(request, "/", query=f"session={code.session_id}")
    shown: dict[str, Any] = {
        "session_id": code.session_id,
        "role": code.role,
        **token,
        "url": f"{url}#token={token['token']}" if token else url,
    }
    if joined.participant_id is not None:
        shown["participant_id"] = joined.participant_id
    return shown


async def _token(request: ApiRequest, joined: Joined) -> dict[str, Any]:
    """Return a token, which doesn't outlive that of a cohost who opened the code."""
    code = joined.code
    name = session_name(code.session_id, code.tenant)
    bearer = Caller(
        role=Role(code.role),
        subject=joined.participant_id or f"{code.role}-{token_hex(8)}",
        tenant=code.tenant,
        session_id=code.session_id,
        participant_id=joined.participant_id,
        token=SessionToken(name, joined.token_id, await issue_instant(request.components, name)),
    )
    lifetime_s = MAX_LIFETIME_S
    if code.tokens_until is not None:
        lifetime_s = min(lifetime_s, max(0, int(code.tokens_until - time.time())))
    issuer = request.components.access_control.require_issuer()
    token = token_fields(*issuer.issue(TokenKind.SESSION, bearer, lifetime_s))
    return {**token, "token_id": joined.token_id}


handler = make_http_function(routes)

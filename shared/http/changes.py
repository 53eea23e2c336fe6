"""Changes as requests ask for them: under `If-Match`, and under an `Idempotency-Key`."""

from collections.abc import Callable
from hashlib import sha256
from secrets import token_hex
from typing import Any

import msgspec
from starlette.responses import Response

from shared.domain.commands import Command, Create
from shared.drafts import Request
from shared.errors import IdempotencyKeyReused
from shared.http import strict_json
from shared.http.answers import Wording, respond, whole_session
from shared.http.call import Call
from shared.http.preconditions import tags_in
from shared.ports import IdempotencyKey, Origin
from shared.slices import LARGE_BYTES, next_slice

_FINGERPRINT_LENGTH = 32
"""Hexadecimal digits, so 128 bits."""


async def apply(call: Call, command: Command, wording: Wording = whole_session) -> Response:
    """Apply `command` to the session in the address, and answer with `wording`.

    Raises what `SessionService.change` raises.
    """
    request = await _request(call, call.permit.name_of(call.session_id))
    service = call.parts.service
    outcome = await service.change(call.permit, call.session_id, command, request)
    return respond(outcome, wording)


async def create(
    call: Call, session_id: str | None, spec: Callable[[str], Create], wording: Wording
) -> Response:
    """Create the session that `spec` describes, with an id of ours if it has none.

    Raises what `SessionService.create` raises.
    """
    service, key = call.parts.service, _own_key(call)
    scope = key and service.creation_scope(call.permit, key, session_id)
    named = session_id or service.new_session_id(call.permit, scope)
    request = await _request(call, scope or named)
    outcome = await service.create(call.permit, spec(named), request, is_new_id=session_id is None)
    return respond(outcome, wording)


async def first_try(call: Call, scope: str, facts: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The `facts` of the first try under the request's key, and whether it was an earlier one.

    For an endpoint that changes no session: `facts` are all that it takes to give the same answer
    again. They are kept for 24 h in `scope`, and not at all without a key. Raises
    `IdempotencyKeyReused`.
    """
    if (own_key := _own_key(call)) is None:
        return facts, False
    fingerprint = await _fingerprint(call)
    own = {"try": token_hex(8), "fingerprint": fingerprint, "facts": facts}
    record = msgspec.json.encode(own)
    key = IdempotencyKey(scope, own_key, fingerprint)
    kept = await call.parts.service.remember(key, record)
    first = msgspec.json.decode(kept)
    if first["fingerprint"] != fingerprint:
        raise IdempotencyKeyReused
    return first["facts"], kept != record


def _own_key(call: Call) -> str | None:
    """The key as this caller's: what another sends is another one.

    Names and keys may hold any sign between them, so a length says where the name ends.
    """
    if (key := call.idempotency_key) is None:
        return None
    name = call.permit.caller.name
    return f"{len(name)}:{name}:{key}"


async def _request(call: Call, scope: str) -> Request:
    origin = Origin(call.permit.caller.actor, call.request_id)
    key = None
    if (own_key := _own_key(call)) is not None:
        key = IdempotencyKey(scope, own_key, await _fingerprint(call))
    return Request(origin, tags_in(call.headers.getlist("if-match")), key)


async def _fingerprint(call: Call) -> str:
    """Tells requests apart that share a key; no body, `{}` and `null` are the same."""
    body = await call.body()
    if len(body) > LARGE_BYTES:
        await next_slice()
    try:
        value = strict_json.parse(body) if body else None
        written = msgspec.json.encode(value or None, order="deterministic")
    except ValueError:
        written = body  # of an endpoint that takes none, and so has not looked at it
    line = f"{call.method} {call.scope['path'].lower()} ".encode()
    return sha256(line + written).hexdigest()[:_FINGERPRINT_LENGTH]

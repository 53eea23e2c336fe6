"""Applies changes under a request's `If-Match` and `Idempotency-Key`."""

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
"""Hexadecimal digits (128 bits)."""


async def apply(call: Call, command: Command, wording: Wording = whole_session) -> Response:
    """Apply `command` to the session named in the path, and render the response with `wording`.

    Raises what `SessionService.change` raises.
    """
    request = await _request(call, call.permit.name_of(call.session_id))
    service = call.parts.service
    outcome = await service.change(call.permit, call.session_id, command, request)
    return respond(outcome, wording)


async def create(
    call: Call, session_id: str | None, spec: Callable[[str], Create], wording: Wording
) -> Response:
    """Create the session that `spec` describes, with a generated id if `session_id` is None.

    Raises what `SessionService.create` raises.
    """
    service, key = call.parts.service, _own_key(call)
    scope = key and service.creation_scope(call.permit, key, session_id)
    named = session_id or service.new_session_id(call.permit, scope)
    request = await _request(call, scope or named)
    outcome = await service.create(call.permit, spec(named), request, is_new_id=session_id is None)
    return respond(outcome, wording)


async def first_try(call: Call, scope: str, facts: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return the `facts` recorded under the request's key, and whether this is a retry.

    For endpoints that change no session: `facts` suffice to reproduce the first response. They
    are stored in `scope` for 24 h, and not at all without a key. Raises `IdempotencyKeyReused`.
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
    """Return the key prefixed with the caller, so that callers can't share keys.

    The prefix has the name's length, because names and keys may contain any separator.
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
    """Return a hash that tells requests apart; no body, `{}` and `null` count as equal."""
    body = await call.body()
    if len(body) > LARGE_BYTES:
        await next_slice()
    try:
        value = strict_json.parse(body) if body else None
        content = msgspec.json.encode(value or None, order="deterministic")
    except ValueError:
        content = body  # invalid JSON, sent to an endpoint that takes no body and ignores it
    line = f"{call.method} {call.scope['path'].lower()} ".encode()
    return sha256(line + content).hexdigest()[:_FINGERPRINT_LENGTH]

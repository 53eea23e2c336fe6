"""Applies changes under a request's `If-Match` and `Idempotency-Key`."""

from collections.abc import Callable
from hashlib import sha256
from secrets import token_hex
from typing import Any

import msgspec
from starlette.responses import Response

from shared.application.commit_builder import ChangeContext, limited_owner
from shared.application.errors import IdempotencyKeyReused
from shared.application.event_loop import LARGE_BYTES, yield_to_event_loop
from shared.application.ports.commit import IdempotencyKey, Origin
from shared.domain.commands import Command, Create
from shared.domain.session import Session
from shared.http import strict_json
from shared.http.etags import if_match_tags
from shared.http.rendering import Renderer, render_session, respond
from shared.http.request import ApiRequest

_FINGERPRINT_LENGTH = 32
"""Hexadecimal digits (128 bits)."""


async def apply_command(
    request: ApiRequest, command: Command, render: Renderer = render_session
) -> Response:
    """Apply `command` to the session named in the path, and render the response with `render`.

    Raises what `SessionService.change` raises.
    """
    context = await change_context(request, request.authorization.store_name(request.session_id))
    service = request.components.service
    outcome = await service.change(request.authorization, request.session_id, command, context)
    return respond(outcome, render)


async def create_session(
    request: ApiRequest, session_id: str | None, spec: Callable[[str], Create], render: Renderer
) -> Response:
    """Create the session that `spec` describes, with a generated id if `session_id` is None.

    Raises what `SessionService.create` raises.
    """
    authorization, store, key = request.authorization, request.components.store, _own_key(request)
    name = session_id and authorization.store_name(session_id)
    scope = key and store.creation_scope(key, name)
    named = session_id or store.new_session_id(scope, authorization.caller.tenant)
    context = await change_context(request, scope or named)
    outcome = await request.components.service.create(
        authorization, spec(named), context, is_new_id=session_id is None
    )
    return respond(outcome, render)


async def remember_first_attempt(
    request: ApiRequest, scope: str, facts: dict[str, Any], owner: str | None = None
) -> tuple[dict[str, Any], bool]:
    """Return the `facts` recorded under the request's key, and whether this is a retry.

    For endpoints that change no session: `facts` suffice to reproduce the first response. They
    are stored in `scope` for 24 h, and not at all without a key. They count among the bytes of
    `owner` (`limited_owner`). Raises `IdempotencyKeyReused` and `StorageLimitExceeded`.
    """
    if (own_key := _own_key(request)) is None:
        return facts, False
    fingerprint = await _fingerprint(request)
    own = {"try": token_hex(8), "fingerprint": fingerprint, "facts": facts}
    record = msgspec.json.encode(own)
    key = IdempotencyKey(scope, own_key, fingerprint)
    kept = await request.components.service.remember(key, record, owner)
    first = msgspec.json.decode(kept)
    if first["fingerprint"] != fingerprint:
        raise IdempotencyKeyReused
    return first["facts"], kept != record


async def remember_for_caller(
    request: ApiRequest, facts: dict[str, Any]
) -> tuple[dict[str, Any], bool]:
    """Do as `remember_first_attempt`, for a request about several sessions of the caller."""
    authorization = request.authorization
    owner = limited_owner(authorization.caller.tenant, authorization.owner)
    return await remember_first_attempt(request, authorization.caller.name, facts, owner)


async def remember_for_session(
    request: ApiRequest, session: Session, facts: dict[str, Any]
) -> tuple[dict[str, Any], bool]:
    """Do as `remember_first_attempt`, for a request about `session`."""
    owner = limited_owner(session.tenant, session.owner)
    return await remember_first_attempt(request, session.name, facts, owner)


def _own_key(request: ApiRequest) -> str | None:
    """Return the key prefixed with the caller, so that callers can't share keys.

    The prefix has the name's length, because names and keys may contain any separator. A dry run
    has no key, because its answer is not recorded.
    """
    if (key := request.idempotency_key) is None or request.is_dry_run:
        return None
    name = request.authorization.caller.name
    return f"{len(name)}:{name}:{key}"


async def change_context(request: ApiRequest, scope: str) -> ChangeContext:
    """Return the context of a change that the request asks for; its key is kept in `scope`."""
    origin = Origin(request.authorization.caller.actor, request.request_id)
    key = None
    if (own_key := _own_key(request)) is not None:
        key = IdempotencyKey(scope, own_key, await _fingerprint(request))
    tags = if_match_tags(request.headers.getlist("if-match"))
    return ChangeContext(origin, tags, key, request.is_dry_run)


async def _fingerprint(request: ApiRequest) -> str:
    """Return a hash that tells requests apart; no body, `{}` and `null` count as equal."""
    body = await request.body()
    if len(body) > LARGE_BYTES:
        await yield_to_event_loop()
    try:
        value = strict_json.parse_json(body) if body else None
        content = msgspec.json.encode(value or None, order="deterministic")
    except ValueError:
        content = body  # invalid JSON, sent to an endpoint that takes no body and ignores it
    assert request.route is not None  # the pipeline has found it
    path = request.route.path.format(
        session_id=request.session_id,
        participant_id=request.participant_id,
        webhook_id=request.webhook_id,
    )
    line = f"{request.method} {path} ".encode()
    return sha256(line + content).hexdigest()[:_FINGERPRINT_LENGTH]

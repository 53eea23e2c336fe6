"""`/v1/api-keys`: the API keys of a tenant."""

from typing import Any

from starlette.responses import Response

from shared.application.api_key_format import PREFIX, new_key_id
from shared.application.api_key_service import NewApiKey
from shared.application.authorization import Operation
from shared.application.ports.api_keys import ListedApiKey
from shared.application.session_view import timestamp
from shared.domain.units import Instant
from shared.http.api_key_bodies import ApiKeyBody
from shared.http.conditional_changes import remember_first_attempt
from shared.http.rendering import json_response
from shared.http.request import ApiRequest
from shared.http.routing import (
    CONFLICT_ERRORS,
    CREATE_ERRORS,
    IDEMPOTENCY_KEY,
    LIST_ERRORS,
    ResponseSpec,
    Routes,
)
from shared.serverless.http_function import make_http_function

routes = Routes("api keys")

_PATH = "/v1/api-keys"


@routes.post(
    _PATH,
    ResponseSpec(201, "NewApiKeyAnswer", "The key", CREATE_ERRORS),
    requires=Operation.MANAGE_API_KEYS,
    takes=ApiKeyBody,
    parameters=(IDEMPOTENCY_KEY,),
)
async def create_api_key(request: ApiRequest, body: ApiKeyBody) -> Response:
    """Create an API key of the caller's tenant, which is sent as a token is.

    The key is shown only in this answer, because only its hash is stored. A retry with the same
    `Idempotency-Key` replaces the key by one with the same id and another secret, unless the first
    one was used.
    """
    caller = request.authorization.caller
    request.components.access_control.require_authentication()
    now = await request.components.api_keys.check(body.expires_at)
    facts, _ = await remember_first_attempt(
        request, f"api-keys:{caller.tenant or ''}", {"key_id": new_key_id()}
    )
    wanted = NewApiKey(
        facts["key_id"], body.name, body.role, caller.tenant, body.subject, body.expires_at
    )
    key, secret = await request.components.api_keys.create(wanted, caller.actor, now)
    return json_response({**_view(ListedApiKey(key)), "key": secret}, status=201)


@routes.get(
    _PATH,
    ResponseSpec(200, "ApiKeysAnswer", "The keys, without their secrets", LIST_ERRORS),
    requires=Operation.MANAGE_API_KEYS,
)
async def list_api_keys(request: ApiRequest) -> Response:
    """Return the API keys of the tenant, the oldest first; revoked and expired ones for 30 days."""
    found = await request.components.api_keys.all(request.authorization.caller.tenant)
    return json_response({"api_keys": list(map(_view, found))})


@routes.delete(
    f"{_PATH}/{{key_id}}",
    ResponseSpec(204, None, "The key is not valid any more", CONFLICT_ERRORS),
    requires=Operation.MANAGE_API_KEYS,
)
async def revoke_api_key(request: ApiRequest) -> Response:
    """Revoke the API key at all instances within 5 s, and close the live connections made with it.

    Revoking one that doesn't exist also succeeds. Tokens that were issued with it stay valid.
    """
    caller = request.authorization.caller
    await request.components.api_keys.revoke(caller.tenant, request.key_id, caller.actor)
    return Response(status_code=204)


def _view(listed: ListedApiKey) -> dict[str, Any]:
    key = listed.key
    view: dict[str, Any] = {
        "key_id": key.key_id,
        "name": key.name,
        "prefix": f"{PREFIX}{key.key_id}",
        "role": key.role,
        "subject": key.subject,
        "created_at": timestamp(key.created_at),
        "created_by": key.created_by,
        "last_used_at": _shown(listed.used_at),
        "expires_at": _shown(key.expires_at),
        "revoked_at": _shown(key.revoked_at),
    }
    return {name: value for name, value in view.items() if value is not None}


def _shown(instant: Instant | None) -> str | None:
    return None if instant is None else timestamp(instant)


handler = make_http_function(routes)

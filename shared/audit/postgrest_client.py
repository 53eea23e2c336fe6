"""PostgREST through the `postgrest` package alone, for Lambda functions.

The full `supabase` package includes sign-in, storage and sockets, which would double the cold-start
time and the package size. The packager counts imports inside functions too, so the client of the
full package is a module of its own.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shared.application.errors import AuditKeyRefused
from shared.application.supabase_keys import is_legacy_key, key_headers

if TYPE_CHECKING:
    import httpx
    from postgrest import AsyncPostgrestClient

_UNAUTHORIZED = 401
_CONNECT_TIMEOUT_S = 2.0
"""A lost first packet of a connection is sent again after 1 s (RFC 6298), so that one loss must not
fail a write. Reads have a limit of their own, which is shorter."""

_TIMEOUT_S = 5.0


async def connect_with_postgrest(url: str, service_key: str) -> "AsyncPostgrestClient":
    """Return a client without retries of its own: `SupabaseAuditLog` decides about them.

    A function sends one request at a time, so HTTP/1.1 is enough.
    """
    from postgrest import AsyncPostgrestClient

    return AsyncPostgrestClient(
        f"{url.rstrip('/')}/rest/v1",
        headers=key_headers(service_key),
        http_client=http_client(service_key, http2=False),
        retry_enabled=False,
    )


def http_client(service_key: str, *, http2: bool) -> "httpx.AsyncClient":
    """Return an HTTP client with the timeouts of the audit database.

    It sends a secret key as `apikey` only, as Supabase requires; the package `supabase` would send
    it as a bearer token too. Requests raise `AuditKeyRefused` if the project refuses the key.
    """
    import httpx

    async def drop_bearer(request: httpx.Request) -> None:
        if not is_legacy_key(service_key):
            request.headers.pop("Authorization", None)

    timeout = httpx.Timeout(_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
    hooks: dict[str, list[Callable[..., Any]]] = {
        "request": [drop_bearer],
        "response": [_require_accepted_key],
    }
    return httpx.AsyncClient(http2=http2, timeout=timeout, event_hooks=hooks)


async def _require_accepted_key(response: "httpx.Response") -> None:
    if response.status_code == _UNAUTHORIZED:
        raise AuditKeyRefused

"""PostgREST through the `postgrest` package alone, for Lambda functions.

The full `supabase` package includes sign-in, storage and sockets, which would double the cold-start
time and the package size. The packager counts imports inside functions too, so the client of the
full package is a module of its own.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx
    from postgrest import AsyncPostgrestClient

_CONNECT_TIMEOUT_S = 1.0
_TIMEOUT_S = 5.0


async def connect_with_postgrest(url: str, service_key: str) -> "AsyncPostgrestClient":
    """Return a client without retries of its own: `SupabaseAuditLog` decides about them.

    A function sends one request at a time, so HTTP/1.1 is enough.
    """
    from postgrest import AsyncPostgrestClient

    return AsyncPostgrestClient(
        f"{url.rstrip('/')}/rest/v1",
        headers={"apikey": service_key, "Authorization": f"Bearer {service_key}"},
        http_client=http_client(http2=False),
        retry_enabled=False,
    )


def http_client(*, http2: bool) -> "httpx.AsyncClient":
    """Return an HTTP client with the timeouts of the audit database."""
    import httpx

    timeout = httpx.Timeout(_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
    return httpx.AsyncClient(http2=http2, timeout=timeout)

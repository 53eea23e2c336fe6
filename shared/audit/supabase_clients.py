"""Clients of a Supabase project's PostgREST, without retries of their own.

`SupabaseAuditLog` decides about retries. Each client is imported when it is first used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx
    from postgrest import AsyncPostgrestClient

_CONNECT_TIMEOUT_S = 1.0
_TIMEOUT_S = 5.0


async def connect_with_supabase(url: str, service_key: str) -> "AsyncPostgrestClient":
    """Return the client of the full `supabase` package, for the container."""
    from supabase import AsyncClientOptions, acreate_client

    options = AsyncClientOptions(
        httpx_client=_http_client(http2=True),
        postgrest_client_retry=False,
        auto_refresh_token=False,
        persist_session=False,
    )
    project = await acreate_client(url, service_key, options)
    return project.postgrest


async def connect_with_postgrest(url: str, service_key: str) -> "AsyncPostgrestClient":
    """Return the client of the `postgrest` package, for Lambda functions.

    The full package includes sign-in, storage and sockets, which would double the cold-start time
    and the package size. A function sends one request at a time, so HTTP/1.1 is enough.
    """
    from postgrest import AsyncPostgrestClient

    return AsyncPostgrestClient(
        f"{url.rstrip('/')}/rest/v1",
        headers={"apikey": service_key, "Authorization": f"Bearer {service_key}"},
        http_client=_http_client(http2=False),
        retry_enabled=False,
    )


def _http_client(*, http2: bool) -> "httpx.AsyncClient":
    import httpx

    timeout = httpx.Timeout(_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
    return httpx.AsyncClient(http2=http2, timeout=timeout)

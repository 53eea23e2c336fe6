"""PostgREST through Supabase's client of that alone.

Functions take this one: the client of a whole project brings sign-in, storage and sockets, which
would double the time of a cold start, and their size.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx
    from postgrest import AsyncPostgrestClient

_CONNECT_TIMEOUT_S = 1.0
_TIMEOUT_S = 5.0


async def connect(url: str, service_key: str) -> "AsyncPostgrestClient":
    """A client that neither retries nor waits of its own accord: both are ours to decide."""
    from postgrest import AsyncPostgrestClient

    return AsyncPostgrestClient(
        f"{url.rstrip('/')}/rest/v1",
        headers={"apikey": service_key, "Authorization": f"Bearer {service_key}"},
        http_client=http_client(http2=False),
        retry_enabled=False,
    )


def http_client(*, http2: bool) -> "httpx.AsyncClient":
    """What carries the requests; a function makes one at a time and needs no more than HTTP/1.1."""
    import httpx

    return httpx.AsyncClient(
        http2=http2, timeout=httpx.Timeout(_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
    )

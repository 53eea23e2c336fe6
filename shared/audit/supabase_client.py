"""PostgREST through the full `supabase` package, for the container."""

from typing import TYPE_CHECKING

from shared.audit.postgrest_client import http_client

if TYPE_CHECKING:
    from postgrest import AsyncPostgrestClient


async def connect_with_supabase(url: str, service_key: str) -> "AsyncPostgrestClient":
    """Return a client without retries of its own: `SupabaseAuditLog` decides about them."""
    from supabase import AsyncClientOptions, acreate_client

    options = AsyncClientOptions(
        httpx_client=http_client(service_key, http2=True),
        postgrest_client_retry=False,
        auto_refresh_token=False,
        persist_session=False,
    )
    project = await acreate_client(url, service_key, options)
    return project.postgrest

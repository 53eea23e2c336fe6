"""Topic names at Supabase Realtime."""


def topic_of(session_name: str) -> str:
    """Return the topic of a session. The name includes the tenant, so tenants don't share topics.

    Row-level security admits only listeners whose token has this name in `sync_session`.
    """
    return f"session:{session_name}"

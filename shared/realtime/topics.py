"""What a session's channel is called at Supabase Realtime."""


def topic_of(session_name: str) -> str:
    """The topic of the session of that name: tenants have names, and so topics, of their own.

    Row-level security lets nobody listen to it whose token doesn't say that name.
    """
    return f"session:{session_name}"

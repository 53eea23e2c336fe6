"""Ask the policies on `realtime.messages` in SQL, in the way that Realtime asks them."""

import psycopg

_INSERT = "insert into realtime.messages (topic, extension) values (%s, %s) returning id"


def can_read(
    connection: psycopg.Connection,
    claims: str | None,
    topic: str,
    extension: str,
    *,
    role: str = "authenticated",
) -> bool:
    """Return whether `role` with these claims reads a message on `topic`."""
    [message_id] = connection.execute(_INSERT, (topic, extension)).fetchone() or [None]
    _assume(connection, role, topic, claims)
    query = "select 1 from realtime.messages where id = %s"
    return connection.execute(query, (message_id,)).fetchone() is not None


def can_write(
    connection: psycopg.Connection,
    claims: str | None,
    topic: str,
    extension: str,
    *,
    role: str = "authenticated",
) -> bool:
    """Return whether `role` with these claims may add a message to `topic`."""
    _assume(connection, role, topic, claims)
    try:
        connection.execute(_INSERT.removesuffix(" returning id"), (topic, extension))
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def allow_everything(connection: psycopg.Connection) -> None:
    """Add permissive policies, as another application of the same project may have them."""
    for action, rule in (("select", "using (true)"), ("insert", "with check (true)")):
        statement = (
            f"create policy others_{action} on realtime.messages for {action} to public {rule}"
        )
        connection.execute(statement.encode())


def _assume(connection: psycopg.Connection, role: str, topic: str, claims: str | None) -> None:
    settings = {"role": role, "realtime.topic": topic, "request.jwt.claims": claims}
    for name, value in settings.items():
        if value is not None:
            connection.execute("select set_config(%s, %s, true)", (name, value))

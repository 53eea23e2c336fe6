"""What a session is called where sessions of several tenants are kept together."""

_BETWEEN = ":"
"""In no tenant's name and in no UUID."""


def session_name(session_id: str, tenant: str | None = None) -> str:
    """The session's id, behind its tenant's name where it belongs to one.

    Two tenants may use the same id: their sessions have nothing to do with each other.
    """
    return f"{tenant}{_BETWEEN}{session_id}" if tenant else session_id


def tenant_and_id(name: str) -> tuple[str | None, str]:
    """The inverse of `session_name`."""
    tenant, _, session_id = name.rpartition(_BETWEEN)
    return tenant or None, session_id

"""Session names: ids qualified by the tenant, unique across all tenants."""

_SEPARATOR = ":"
"""Occurs in no tenant's name and in no UUID."""


def session_name(session_id: str, tenant: str | None = None) -> str:
    """Return the session's id, prefixed with its tenant's name if it has a tenant.

    Two tenants may use the same id for unrelated sessions.
    """
    return f"{tenant}{_SEPARATOR}{session_id}" if tenant else session_id


def tenant_and_id(name: str) -> tuple[str | None, str]:
    """The inverse of `session_name`."""
    tenant, _, session_id = name.rpartition(_SEPARATOR)
    return tenant or None, session_id

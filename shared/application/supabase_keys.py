"""How a Supabase project's secret key is sent."""

_LEGACY_PREFIX = "eyJ"
"""A legacy `service_role` key is a JWT, so it begins with an encoded `{"`."""


def is_legacy_key(key: str) -> bool:
    """Return whether the key is a JWT."""
    return key.startswith(_LEGACY_PREFIX)


def key_headers(key: str) -> dict[str, str]:
    """Return the header fields with the key.

    Supabase refuses a secret key (`sb_secret_...`) as a bearer token, because it is no JWT. A
    legacy key must be sent as a bearer token too.
    """
    headers = {"apikey": key}
    if is_legacy_key(key):
        headers["Authorization"] = f"Bearer {key}"
    return headers

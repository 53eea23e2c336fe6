"""The service's URL, which a client checks when it is made."""

from urllib.parse import urlsplit

_EXAMPLE = "https://timers.example"


def service_url(base_url: str) -> str:
    """Return the URL without a slash at its end. Raises a `ValueError` that says what is wrong."""
    try:
        parts = urlsplit(base_url)
        is_usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except (ValueError, TypeError, AttributeError):  # a wrong port or address, or no string
        is_usable = False
    if not is_usable:
        raise ValueError(
            f"base_url must be the service's URL, such as {_EXAMPLE}, not {base_url!r}"
        )
    if parts.username or parts.password:
        raise ValueError("base_url can't contain a user or password")
    if parts.query or parts.fragment:
        raise ValueError("base_url can't contain a query or a fragment")
    return base_url.rstrip("/")

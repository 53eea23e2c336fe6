"""Addresses as they may be shown."""

import re


def shown(url: str) -> str:
    """Scheme and host alone: a password may hold whatever parts an address."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{re.split('[/?#]', rest.rpartition('@')[2])[0]}"

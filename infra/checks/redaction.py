"""Connection URLs without credentials, for output."""

import re


def redact_url(url: str) -> str:
    """Return scheme and host only; an unescaped password may contain any of the delimiters."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{re.split('[/?#]', rest.rpartition('@')[2])[0]}"

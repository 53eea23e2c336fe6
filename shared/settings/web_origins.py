"""Origins of web pages, as browsers send them in `Origin` (RFC 6454 section 6.2)."""

import re

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@]+")
_OTHER_VALUES = ("*", "null")
_HOST = re.compile(r"(?:[a-z0-9-]{1,30}\.){1,4}[a-z]{2,24}(?::\d{1,5})?|localhost(?::\d{1,5})?")
"""Hosts that a message may repeat: unlikely to be a secret in the wrong variable."""


def web_origin(text: str) -> str:
    """Return the origin without a final slash, in lower case; `*` and `null` stay as they are.

    Raises `ValueError` for other text; its message follows the name of the setting.
    """
    origin = text.lower().removesuffix("/")
    if origin in _OTHER_VALUES or _ORIGIN.fullmatch(origin):
        return origin
    raise ValueError(f"must have a scheme and a host, without a path: write {_suggestion(origin)}")


def _suggestion(text: str) -> str:
    """Return the origin that was probably meant, or else an example."""
    scheme, separator, rest = text.rpartition("://")
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if not _HOST.fullmatch(host) or scheme not in ("", "http", "https"):
        return "https://app.example.com"
    default = "http" if host.startswith("localhost") else "https"
    return f"{scheme if separator else default}://{host}"

"""Origins of web pages, as browsers send them in `Origin` (RFC 6454 section 6.2)."""

import re

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@]+")
_FRAMING = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d+)?")
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


def framing_origin(text: str) -> str:
    """Return the origin as `web_origin` does, if a `frame-ancestors` directive can contain it.

    CSP Level 3 section 2.3.1 allows letters, digits, hyphens and dots in a host, and no `null`.
    Raises `ValueError` for other text.
    """
    origin = web_origin(text)
    if origin == "*" or _FRAMING.fullmatch(origin):
        return origin
    raise ValueError("must have hosts of letters, digits, hyphens and dots, or be *")


def _suggestion(text: str) -> str:
    """Return the origin that was probably meant, or else an example."""
    scheme, separator, rest = text.rpartition("://")
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if not _HOST.fullmatch(host) or scheme not in ("", "http", "https"):
        return "https://app.example.com"
    default = "http" if host.startswith("localhost") else "https"
    return f"{scheme if separator else default}://{host}"

"""The form of a webhook's URL."""

import re
from typing import NamedTuple

from shared.domain.errors import RuleViolation, Violation

MAX_URL_LENGTH = 2048

_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>/[\x21\x24-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e\x25]*)?",
    re.IGNORECASE,
)
_PORTS = {"https": 443, "http": 80}


class WebhookUrl(NamedTuple):
    """The parts of a URL; `host` has no brackets, `target` is the path with the query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """The value of the header field `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse_url(text: str, *, allows_http: bool) -> WebhookUrl:
    """Return the parts of an `https` URL, or with `allows_http` also of an `http` one.

    It has no user name, password or fragment. Raises `RuleViolation` for any other text.
    """
    found = _URL.fullmatch(text)
    if not found or len(text) > MAX_URL_LENGTH:
        raise _violation("must be a URL such as https://example.com/webhooks")
    scheme = found["scheme"].lower()
    if scheme == "http" and not allows_http:
        raise _violation("must begin with https://")
    port = int(found["port"] or _PORTS[scheme])
    if not 1 <= port <= 65535:
        raise _violation("must have a port from 1 to 65535")
    return WebhookUrl(scheme, found["host"].strip("[]").lower(), port, found["target"] or "/")


def _violation(message: str) -> RuleViolation:
    return RuleViolation(Violation("url", message, "invalid_url"))

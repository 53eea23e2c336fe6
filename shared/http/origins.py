"""Which web pages may use an instance that asks for no tokens.

Any page in a browser can send a form or a simple request to any address, and open a WebSocket
there. Where callers show tokens that does no harm, for a page knows none and browsers add none by
themselves. Without tokens the origin of the page must decide (docs/security.md, Pages).
"""

import ipaddress
from collections.abc import Iterable

from starlette.requests import HTTPConnection

from shared.access.rights import Operation
from shared.errors import Forbidden

_HARMLESS = frozenset({Operation.READ, Operation.READ_HISTORY})
"""What a page of another origin can ask for, but not read: browsers keep the answer from it."""

_OWN_SITES = frozenset({"same-origin", "none"})
_DEFAULT_PORTS = (":80", ":443")

_FOREIGN_PAGE = (
    "A page of another origin sent this: add its origin to CORS_ORIGINS, or set JWT_SECRET so that"
    " callers need a token"
)
_FOREIGN_NAME = (
    "Without tokens this service answers under localhost and under addresses only: add the origin"
    " with another name to CORS_ORIGINS, or set JWT_SECRET so that callers need a token"
)


class Origins:
    """Tells requests of our own pages, and of no page at all, from those of foreign pages.

    `listed` are the origins of `CORS_ORIGINS`, `trusted_hops` the proxies whose `X-Forwarded-Host`
    is believed. An instance that `is_local` listens on this machine alone.
    """

    def __init__(self, listed: Iterable[str], trusted_hops: int, *, is_local: bool) -> None:
        self._listed = frozenset(origin.rstrip("/").lower() for origin in listed)
        self._listed_hosts = frozenset(_authority(origin) for origin in self._listed)
        self._trusted_hops = trusted_hops
        self._is_local = is_local

    def check(self, connection: HTTPConnection, operation: Operation) -> None:
        """Raises `Forbidden` for a foreign page, and for a foreign name of a local instance.

        The name is checked where a browser asks: a page can have its own name resolve to this
        machine (DNS rebinding), and is then of our origin to the browser.
        """
        if self._is_local and _is_browser(connection) and not self._is_ours(connection):
            raise Forbidden(_FOREIGN_NAME)
        if operation not in _HARMLESS and self._is_foreign(connection):
            raise Forbidden(_FOREIGN_PAGE)

    def _is_foreign(self, connection: HTTPConnection) -> bool:
        """Whether a page of another origin has sent the request (Fetch Metadata, RFC 6454)."""
        origin = connection.headers.get("origin")
        if "*" in self._listed or (origin and origin.lower() in self._listed):
            return False
        site = connection.headers.get("sec-fetch-site")
        if site is not None:
            return site not in _OWN_SITES
        return origin is not None and _authority(origin) not in self._own_authorities(connection)

    def _own_authorities(self, connection: HTTPConnection) -> set[str]:
        """The hosts and ports under which the client may have reached us.

        The scheme is left out: only the proxy that ends TLS knows it.
        """
        own = [connection.headers.get("host", "")]
        if self._trusted_hops:
            said = ",".join(connection.headers.getlist("x-forwarded-host")).split(",")
            own.append(said[-min(self._trusted_hops, len(said))])
        return {_authority(host) for host in own} - {""}

    def _is_ours(self, connection: HTTPConnection) -> bool:
        authority = _authority(connection.headers.get("host", ""))
        name = _name_in(authority)
        return (
            name in ("", "localhost")
            or name.endswith(".localhost")
            or _is_address(name)
            or "*" in self._listed
            or authority in self._listed_hosts
        )


def _is_browser(connection: HTTPConnection) -> bool:
    """Whether a browser seems to ask: a page can't take these headers away.

    Every browser's `User-Agent` begins with Mozilla; `Origin` comes with each change and socket.
    """
    headers = connection.headers
    agent = headers.get("user-agent", "")
    return "origin" in headers or "sec-fetch-site" in headers or agent.startswith("Mozilla/")


def is_loopback(host: str) -> bool:
    """Whether one who listens on `host` can be reached from this machine alone."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _authority(text: str) -> str:
    """`https://A.example:443` and `a.example` alike as `a.example`; other ports stay."""
    authority = text.strip().lower().rpartition("://")[2]
    for port in _DEFAULT_PORTS:
        authority = authority.removesuffix(port)
    return authority


def _name_in(authority: str) -> str:
    """The host without its port, and an IPv6 address without its brackets."""
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

"""Decides which web pages may use an instance without authentication.

Any page in a browser can send a form or a simple request to any URL, and open a WebSocket to it.
With tokens this does no harm: a page doesn't know them, and browsers don't add them. Without
tokens, the page's origin decides (docs/security.md, Pages).
"""

import ipaddress
from collections.abc import Iterable

from starlette.requests import HTTPConnection

from shared.application.authorization import Operation
from shared.application.errors import Forbidden

_HARMLESS = frozenset({Operation.LIST, Operation.READ, Operation.READ_HISTORY})
"""Operations that pages of other origins may request: browsers don't let them read the result."""

_OWN_SITES = frozenset({"same-origin", "none"})
_DEFAULT_PORTS = (":80", ":443")

_FOREIGN_PAGE = (
    "A page of another origin sent this request: add its origin to CORS_ORIGINS, or set JWT_SECRET"
    " so that callers need a token"
)
_FOREIGN_NAME = (
    "Without tokens, this service is available only as localhost and at IP addresses: add the"
    " origin with another name to CORS_ORIGINS, or set JWT_SECRET so that callers need a token"
)


class OriginPolicy:
    """Tells requests of foreign pages from those of this service's own pages and of other clients.

    `listed` are the origins in `CORS_ORIGINS`, `trusted_hops` the number of proxies whose
    `X-Forwarded-Host` is trusted. An instance that `is_local` listens only on this machine.
    """

    def __init__(self, listed: Iterable[str], trusted_hops: int, *, is_local: bool) -> None:
        self._listed = frozenset(origin.rstrip("/").lower() for origin in listed)
        self._listed_hosts = frozenset(_authority(origin) for origin in self._listed)
        self._trusted_hops = trusted_hops
        self._is_local = is_local

    def check(self, connection: HTTPConnection, operation: Operation) -> None:
        """Raise `Forbidden` for a foreign page, and for a foreign host name of a local instance.

        The host name is checked if a browser sent the request: a page's own name can resolve to
        this machine (DNS rebinding), and the browser then regards both as the same origin.
        """
        if self._is_local and _is_browser(connection) and not self._has_own_host(connection):
            raise Forbidden(_FOREIGN_NAME)
        if operation not in _HARMLESS and self._is_foreign(connection):
            raise Forbidden(_FOREIGN_PAGE)

    def _is_foreign(self, connection: HTTPConnection) -> bool:
        """Return whether a page of another origin sent the request (Fetch Metadata, RFC 6454)."""
        origin = connection.headers.get("origin")
        if "*" in self._listed or (origin and origin.lower() in self._listed):
            return False
        site = connection.headers.get("sec-fetch-site")
        if site is not None:
            return site not in _OWN_SITES
        return origin is not None and _authority(origin) not in self._own_authorities(connection)

    def _own_authorities(self, connection: HTTPConnection) -> set[str]:
        """Return the hosts and ports that the client may have used.

        Schemes are left out because only the proxy that terminates TLS knows them.
        """
        own = [connection.headers.get("host", "")]
        if self._trusted_hops:
            hosts = ",".join(connection.headers.getlist("x-forwarded-host")).split(",")
            own.append(hosts[-min(self._trusted_hops, len(hosts))])
        return {_authority(host) for host in own} - {""}

    def _has_own_host(self, connection: HTTPConnection) -> bool:
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
    """Return whether a browser seems to have sent the request; pages can't remove these headers.

    Every browser's `User-Agent` begins with Mozilla, and it sends `Origin` with changes and
    WebSockets.
    """
    headers = connection.headers
    agent = headers.get("user-agent", "")
    return "origin" in headers or "sec-fetch-site" in headers or agent.startswith("Mozilla/")


def is_loopback(host: str) -> bool:
    """Return whether a server that listens on `host` is reachable only from this machine."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _authority(text: str) -> str:
    """Return host and port without scheme and default port: `https://A.example:443` as
    `a.example`."""
    authority = text.strip().lower().rpartition("://")[2]
    for port in _DEFAULT_PORTS:
        authority = authority.removesuffix(port)
    return authority


def _name_in(authority: str) -> str:
    """Return the host without its port; an IPv6 address without its brackets."""
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

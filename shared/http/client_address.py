"""The client's address, which identifies anonymous callers, and public URLs of this service."""

import ipaddress
import re
from functools import lru_cache

from starlette.requests import HTTPConnection

_WITH_PORT = re.compile(r"(?:\[([^\]]+)\]|([\d.]+))(?::\d+)?")
"""Some proxies add the port: `192.0.2.1:40000`, `[2001:db8::1]:40000`."""

_IPV6_PREFIX = 64
"""Providers give each customer at least this prefix, so all its addresses count as one caller."""


def client_address(connection: HTTPConnection, trusted_hops: int) -> str:
    """Return the address of the client, or of an untrusted proxy before the trusted ones.

    Each proxy appends its peer's address to `X-Forwarded-For`, so the trusted proxies wrote only
    the last `trusted_hops` entries; a client may have forged the others.
    """
    peer = client[0] if (client := connection.scope.get("client")) else "unknown"
    if not trusted_hops:
        return _normal(peer)
    header = ",".join(connection.headers.getlist("x-forwarded-for"))
    entries = [entry.strip() for entry in header.split(",") if entry.strip()]
    return _normal(entries[-min(trusted_hops, len(entries))] if entries else peer)


def public_url(
    connection: HTTPConnection, path: str, *, socket: bool = False, query: str = ""
) -> str:
    """Return the URL of `path` at the host that the client used; with `socket`, of a WebSocket.

    `X-Forwarded-Proto` is trusted from any proxy, because only the client gets the result.
    """
    protocol = connection.headers.get("x-forwarded-proto", connection.scope["scheme"])
    secure = "s" if protocol.split(",")[0].strip() in ("https", "wss") else ""
    scheme = f"ws{secure}" if socket else f"http{secure}"
    address = f"{scheme}://{connection.headers.get('host', '')}{path}"
    return f"{address}?{query}" if query else address


@lru_cache(maxsize=4096)
def _normal(address: str) -> str:
    """Return an IPv4 address, the network of an IPv6 address, or `unknown` if it is neither.

    Results are cached because parsing an address takes 10 us and clients send many requests.
    """
    if with_port := _WITH_PORT.fullmatch(address):
        address = with_port[1] or with_port[2]
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_PREFIX), strict=False))

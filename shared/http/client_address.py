"""Where a request comes from, for those whom nothing else tells apart, and where it went to."""

import ipaddress
import re
from functools import lru_cache

from starlette.requests import HTTPConnection

_WITH_PORT = re.compile(r"(?:\[([^\]]+)\]|([\d.]+))(?::\d+)?")
"""As some proxies write it: `192.0.2.1:40000`, `[2001:db8::1]:40000`."""

_IPV6_PREFIX = 64
"""What one customer of a provider has at least: all of it is one caller."""


def client_address(connection: HTTPConnection, trusted_hops: int) -> str:
    """The address of the client, or of the first proxy that isn't ours.

    Each proxy appends to `X-Forwarded-For` whom it heard from, so only the last `trusted_hops`
    entries are from ours; what is before them a client may have made up.
    """
    peer = connection.client.host if connection.client else "unknown"
    if not trusted_hops:
        return _normal(peer)
    header = ",".join(connection.headers.getlist("x-forwarded-for"))
    said = [entry.strip() for entry in header.split(",") if entry.strip()]
    return _normal(said[-min(trusted_hops, len(said))] if said else peer)


def public_url(
    connection: HTTPConnection, path: str, *, socket: bool = False, query: str = ""
) -> str:
    """The address of `path` as the client reached us; for a WebSocket where it says so.

    Which scheme it used only the proxy knows that it came through: one that isn't ours may say so
    too, for the answer goes to nobody but the client.
    """
    said = connection.headers.get("x-forwarded-proto", connection.scope["scheme"])
    secure = "s" if said.split(",")[0].strip() in ("https", "wss") else ""
    scheme = f"ws{secure}" if socket else f"http{secure}"
    address = f"{scheme}://{connection.headers.get('host', '')}{path}"
    return f"{address}?{query}" if query else address


@lru_cache(maxsize=4096)
def _normal(address: str) -> str:
    """One writing for each caller; what is no address is all the same one.

    A client sends many requests, and taking its address apart costs 10 us.
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

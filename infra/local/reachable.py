"""Tells how people reach the service that `make run` has started."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address

from shared.application.authorization import Caller, Role
from shared.auth.tokens import MAX_LIFETIME_S, TokenKind, TokenService
from shared.http.origins import is_loopback
from shared.settings.settings import Settings

ALL_ADDRESSES = "0.0.0.0"  # nosec B104
"""The host of a service that other machines can reach; used only if `LAN=1` asks for it."""

_ELSEWHERE = ("192.0.2.1", 9)
"""An address that no machine has (RFC 5737)."""

_OPEN = (
    "Everyone in your network can do everything with all sessions. The service asks for tokens with"
    " JWT_SECRET=$(openssl rand -hex 32) make run LAN=1"
)


def reachable_at(settings: Settings) -> list[str]:
    """Return lines for the terminal: the addresses of the service, and a host's link.

    The link is for a service that checks tokens which `JWT_SECRET` signs. It works for 24 h.
    """
    addresses = list(_addresses(settings.host))
    urls = [f"http://{address}:{settings.port}" for address in addresses]
    lines = [f"SyncKairos runs at {urls[0]} (Ctrl-C stops it)"]
    lines += [f"In your network: {url}" for url in urls[1:]]
    needs_other_tokens = settings.jwt_jwks_url or settings.jwt_issuer or settings.jwt_audience
    if settings.jwt_secret and not needs_other_tokens:
        token = _host_token(settings.jwt_secret.get_secret_value())
        lines.append(f"Link for a host, valid for 24 hours: {urls[-1]}/#token={token}")
    elif len(urls) > 1 and not settings.requires_authentication:
        lines.append(_OPEN)
    return lines


def _addresses(host: str) -> Iterator[str]:
    """Yield the address of this machine's own browser, then those for others in its network."""
    if host not in (ALL_ADDRESSES, "::"):
        yield host
        return
    yield "127.0.0.1"
    found = {_address_of_default_route(), *_addresses_of_hostname()}
    yield from sorted(address for address in found if address and _is_for_others(address))


def _address_of_default_route() -> str | None:
    """Return the address from which this machine sends to others; None without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.connect(_ELSEWHERE)  # nothing is sent: this only chooses the interface
        return str(probe.getsockname()[0])
    return None


def _addresses_of_hostname() -> list[str]:
    with suppress(OSError):
        return socket.gethostbyname_ex(socket.gethostname())[2]
    return []


def _is_for_others(address: str) -> bool:
    return not is_loopback(address) and not IPv4Address(address).is_link_local


def _host_token(secret: str) -> str:
    token, _ = TokenService(secret).issue(
        TokenKind.ACCESS, Caller(Role.HOST, "host"), MAX_LIFETIME_S
    )
    return token

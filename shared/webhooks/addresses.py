"""Which network addresses a webhook may be sent to."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

IPAddress = IPv4Address | IPv6Address

_NOT_PUBLIC: tuple[IPv4Network | IPv6Network, ...] = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments (RFC 6890); metadata of Oracle Cloud
    IPv4Network("192.88.99.0/24"),  # 6to4 relays (RFC 7526)
    IPv4Network("168.63.129.16/32"),  # Azure's metadata and DNS
    IPv6Network("::/96"),  # IPv4-compatible (RFC 4291 section 2.5.5.1)
    IPv6Network("::ffff:0:0/96"),  # IPv4-mapped
    IPv6Network("64:ff9b::/96"),  # NAT64 (RFC 6052)
    IPv6Network("64:ff9b:1::/48"),  # local NAT64 (RFC 8215)
    IPv6Network("2001::/32"),  # Teredo
    IPv6Network("2002::/16"),  # 6to4
    IPv6Network("fec0::/10"),  # site-local (RFC 3879)
)
"""Networks that Python's `is_global` doesn't exclude in all versions. The IPv6 ones contain IPv4
addresses, which may be private."""


def is_public(address: IPAddress) -> bool:
    """Return whether the address is one of the public Internet, of a single machine."""
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in _NOT_PUBLIC)
    )


def parse_address(text: str) -> IPAddress:
    """Return the address that a resolver named, without its zone. Raises `ValueError`."""
    return ip_address(text.partition("%")[0])

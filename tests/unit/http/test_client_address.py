"""The client address of a request, with and without trusted proxies."""

import pytest
from starlette.requests import HTTPConnection

from shared.http.client_address import client_address


def _connection(peer: str | None, *forwarded: str) -> HTTPConnection:
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    client = (peer, 1) if peer else None
    return HTTPConnection({"type": "http", "headers": headers, "client": client})


@pytest.mark.parametrize(
    ("forwarded", "hops", "address"),
    [
        ((), 0, "192.0.2.9"),
        (("203.0.113.1",), 0, "192.0.2.9"),
        ((), 1, "192.0.2.9"),
        (("203.0.113.1",), 1, "203.0.113.1"),
        (("made.up, 198.51.100.7, 203.0.113.1",), 1, "203.0.113.1"),
        (("made.up, 203.0.113.1, 198.51.100.7",), 2, "203.0.113.1"),
        (("made.up, 203.0.113.1", "198.51.100.7"), 2, "203.0.113.1"),
        (("203.0.113.1",), 3, "203.0.113.1"),
        (("203.0.113.1:40000",), 1, "203.0.113.1"),
        (("[2001:db8:1:2::1]:40000",), 1, "2001:db8:1:2::/64"),
        (("not an address",), 1, "unknown"),
        ((" , ,",), 1, "192.0.2.9"),
    ],
)
def test_only_as_many_forwarded_entries_are_trusted_as_there_are_proxies(
    forwarded: tuple[str, ...], hops: int, address: str
) -> None:
    assert client_address(_connection("192.0.2.9", *forwarded), hops) == address


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        (None, "unknown"),
    ],
)
def test_all_addresses_of_an_ipv6_network_are_one_caller(peer: str | None, address: str) -> None:
    assert client_address(_connection(peer), 0) == address

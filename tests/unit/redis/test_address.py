"""Parsing `REDIS_URL`."""

import pytest

from shared.store.redis.address import Login, RedisAddress, ServerAddress


@pytest.mark.parametrize(
    ("url", "endpoints", "login", "database"),
    [
        ("redis://", [("localhost", 6379)], Login(), 0),
        ("redis://h", [("h", 6379)], Login(), 0),
        ("redis://h:7000/3", [("h", 7000)], Login(), 3),
        ("redis://h:7000/?db=4", [("h", 7000)], Login(), 4),
        ("redis://h/1?db=2", [("h", 6379)], Login(), 2),
        ("redis://:pw@h", [("h", 6379)], Login(None, "pw"), 0),
        ("redis://u:p%40%2F%3A@h", [("h", 6379)], Login("u", "p@/:"), 0),
        ("redis://u:p@ss@h", [("h", 6379)], Login("u", "p@ss"), 0),
        ("redis://h?username=u&password=a%20b", [("h", 6379)], Login("u", "a b"), 0),
        ("redis://[::1]:7000/0", [("::1", 7000)], Login(), 0),
        (
            "redis://u:p@a:1,b:2,c/0",
            [("a", 1), ("b", 2), ("c", 6379)],
            Login("u", "p"),
            0,
        ),
        ("redis://h?socket_timeout=3&max_connections=9", [("h", 6379)], Login(), 0),
    ],
)
def test_hosts_login_and_database_are_parsed(
    url: str, endpoints: list[tuple[str, int]], login: Login, database: int
) -> None:
    address = RedisAddress.of(url)
    assert address.endpoints == tuple(ServerAddress(host, port) for host, port in endpoints)
    assert (address.login, address.database) == (login, database)
    assert address.tls is None


def test_a_unix_socket_is_given_as_a_path() -> None:
    address = RedisAddress.of("unix://:pw@/run/redis.sock?db=2")
    assert address.endpoints == (ServerAddress(path="/run/redis.sock"),)
    assert (address.login, address.database) == (Login(None, "pw"), 2)


def test_sentinels_have_their_own_default_port_and_login() -> None:
    address = RedisAddress.of(
        "redis+sentinel://u:p%3A@a,b:1/mymaster/2?sentinel_username=s&sentinel_password=t%26"
    )
    assert address.endpoints == (ServerAddress("a", 26379), ServerAddress("b", 1))
    assert address.primary_name == "mymaster"
    assert (address.login, address.sentinel_login) == (Login("u", "p:"), Login("s", "t&"))
    assert address.database == 2


def test_tls_verifies_certificates_and_names_by_default() -> None:
    address = RedisAddress.of("rediss://h")
    assert address.tls is not None
    assert address.tls.context.check_hostname
    assert address.tls.context.verify_mode.name == "CERT_REQUIRED"


def test_tls_verification_can_be_turned_off() -> None:
    address = RedisAddress.of("rediss+sentinel://h/m?ssl_cert_reqs=none&ssl_check_hostname=false")
    assert address.tls is not None
    assert address.tls.context.verify_mode.name == "CERT_NONE"


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("localhost:6379", "must begin with rediss://"),
        ("http://h", "must begin with rediss://"),
        ("redis://h:port", "must have hosts like host:6379"),
        ("redis://h:70000", "must have hosts like host:6379"),
        ("redis://h/one", "must have a number as the database"),
        ("redis://h?nonsense=1", "an unknown query option: nonsense"),
        ("redis+sentinel://a:26379", "the primary's name"),
        ("unix://", "the path of a socket"),
        ("rediss://h?ssl_min_version=x", "TLS options that can't be used"),
    ],
)
def test_an_invalid_url_is_refused_without_showing_the_password(url: str, fault: str) -> None:
    with pytest.raises(ValueError, match=r"must|has") as raised:
        RedisAddress.of(url.replace("://", "://user:secret@", 1))
    assert fault in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_missing_certificate_file_is_reported() -> None:
    address = RedisAddress.of("rediss://h?ssl_ca_certs=/nowhere/ca.pem")
    assert address.tls is not None
    with pytest.raises(ValueError, match="TLS options that can't be used"):
        _ = address.tls.context

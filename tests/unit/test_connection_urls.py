"""Database URLs written for other clients work unchanged."""

from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from redis.asyncio import Redis

from shared.settings.connection_urls import (
    masked,
    pooler_port,
    postgres_url,
    redis_url,
    session_pooler_url,
)
from shared.store.redis import RedisAddress

_POSTGRES = "postgresql://user:p%40ss@db.example:6543/postgres"
_REDIS = "rediss://default:secret@redis.example:6379"


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("", ""),
        ("?pgbouncer=true", ""),
        ("?pgbouncer=true&connection_limit=1&pool_timeout=0", ""),
        ("?schema=public&sslmode=require", "?sslmode=require"),
        ("?sslmode=verify-full&sslrootcert=/ca.pem", "?sslmode=verify-full&sslrootcert=/ca.pem"),
        ("?sslmode=no-verify", "?sslmode=require"),
        ("?sslmode=REQUIRE", "?sslmode=require"),
        ("?ssl=true", "?sslmode=require"),
        ("?ssl=false", "?sslmode=disable"),
        ("?ssl=true&sslmode=verify-full", "?sslmode=verify-full"),
        ("?uselibpqcompat=true&sslmode=require", "?sslmode=require"),
        ("?sslaccept=strict&application_name=a%20b", "?application_name=a%20b"),
        ("?options=-c%20geqo%3Doff", "?options=-c%20geqo%3Doff"),
        ("?", ""),
    ],
)
def test_options_of_other_postgres_clients_are_dropped_or_translated(query: str, left: str) -> None:
    url = postgres_url(_POSTGRES + query)
    assert url == _POSTGRES + left
    assert psycopg.conninfo.conninfo_to_dict(url)["password"] == "p@ss"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://a:hidden@h/x", "must begin with postgresql://"),
        ("postgresql://a:half@hidden@h/x", "must have each @ in the password written as %40"),
        ("postgresql://a:hid?den@h/x", "must have each ? in the password written as %3F"),
        (f"{_POSTGRES}?sslmode=hidden", "must have an sslmode of disable, allow, prefer"),
        (f"{_POSTGRES}?sslmod=hidden", 'has an option "sslmod" that Postgres doesn\'t know'),
        (f"{_POSTGRES}?hidd%20en=1", "has an option that Postgres doesn't know"),
    ],
)
def test_an_invalid_postgres_url_is_refused_without_showing_its_password(
    url: str, message: str
) -> None:
    with pytest.raises(ValueError, match=r"must|has") as refused:
        postgres_url(url)
    assert str(refused.value).startswith(message)
    assert "hid" not in str(refused.value)


@pytest.mark.parametrize(
    "host", ["aws-0-ap-southeast-2.pooler.supabase.com:6543", "db.abc.supabase.co:5432"]
)
def test_the_certificate_of_a_supabase_host_is_verified(host: str) -> None:
    options = psycopg.conninfo.conninfo_to_dict(postgres_url(f"postgresql://u:p@{host}/postgres"))
    assert options["sslmode"] == "verify-full"
    certificate = x509.load_pem_x509_certificate(Path(str(options["sslrootcert"])).read_bytes())
    # The fingerprint that Supabase's users publish for "Supabase Root 2021 CA".
    assert certificate.fingerprint(SHA256()).hex() == (
        "807025ad50d4ed219d2c9c7d299c004f824eb00cf7f65afef607d07b72e6cafa"
    )


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@db.abc.supabase.co/x?sslmode=require",
        "postgresql://u:p@db.abc.supabase.co/x?sslrootcert=/ca.pem",
        "postgresql://u:p@localhost:5432/x",
        "postgresql://u:p@supabase.co.example/x",
        "postgresql:///x?host=/run/postgresql",
    ],
)
def test_an_explicit_choice_and_other_hosts_stay_as_they_are(url: str) -> None:
    assert postgres_url(url) == url


def test_migrations_use_the_pooler_s_port_for_sessions() -> None:
    pooler = "postgresql://postgres.abc:p6543@aws-0.pooler.supabase.com"
    assert session_pooler_url(f"{pooler}:6543/postgres?a=1") == f"{pooler}:5432/postgres?a=1"
    assert pooler_port(f"{pooler}:6543/postgres") == 6543
    assert pooler_port(f"{pooler}/postgres") == 5432
    for url in (f"{pooler}:5432/postgres", "postgresql://u:p@db.example:6543/x"):
        assert session_pooler_url(url) == url
    assert pooler_port("postgresql://u:p@db.example:6543/x") is None


@pytest.mark.parametrize(
    ("url", "left"),
    [
        (_REDIS, _REDIS),
        (f"{_REDIS}?family=6", _REDIS),
        (f"{_REDIS}/0?family=0&maxRetriesPerRequest=3&enableReadyCheck=false", f"{_REDIS}/0"),
        (f"{_REDIS}?ssl_cert_reqs=none", f"{_REDIS}?ssl_cert_reqs=none"),
        ("redis://r.example:6379?tls=true", "rediss://r.example:6379"),
        ("redis://r.example:6379?tls=false", "redis://r.example:6379"),
    ],
)
async def test_options_of_other_redis_clients_are_dropped(url: str, left: str) -> None:
    assert redis_url(url) == left
    await Redis.from_url(left).aclose()


def test_an_invalid_redis_url_is_refused_without_showing_its_password() -> None:
    with pytest.raises(ValueError, match=r"^must begin with rediss://") as refused:
        RedisAddress.of(redis_url("https://a:hidden@redis.example"))
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:hidden@r.example:6379/0", "redis://:***@r.example:6379/0"),
        ("redis://u:hid:den@a:1,b:2", "redis://u:***@a:1,b:2"),
        ("redis://r?password=hidden&db=1", "redis://r?password=***&db=1"),
        (
            "redis+sentinel://h/m?sentinel_password=hidden",
            "redis+sentinel://h/m?sentinel_password=***",
        ),
        ("postgresql://postgres@127.0.0.1:5432/x", "postgresql://postgres@127.0.0.1:5432/x"),
        (
            "postgresql://u:hidden%40x@h:5432/x?sslmode=require",
            "postgresql://u:***@h:5432/x?sslmode=require",
        ),
    ],
)
def test_a_shown_url_has_no_password(url: str, shown: str) -> None:
    assert masked(url) == shown

"""Fixtures: two instances on one Redis, a service with authentication, and their clients."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from redis.asyncio import Redis

from infra.local.instance import Instance, running
from infra.local.postgres import EmbeddedPostgres, embedded_postgres
from infra.local.redis import embedded_redis
from infra.local.supabase import SECRET_KEY, LocalSupabase
from infra.migrate import migrate
from tests.support import tokens
from tests.support.api import ApiClient, api_client
from tests.support.target import IS_FUNCTIONS, running_service
from tests.support.tokens import WITH_AUTHENTICATION


@pytest.fixture(scope="session")
def instances(redis_url: str, postgres: EmbeddedPostgres) -> Iterator[tuple[Instance, Instance]]:
    """Two instances that share only Redis and the audit trail."""
    with (
        running(redis_url, DATABASE_URL=postgres.url) as one,
        running(redis_url, DATABASE_URL=postgres.url) as two,
    ):
        yield one, two


@pytest.fixture(scope="session")
def trail(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of an audit trail: functions write to it through Supabase's API."""
    if IS_FUNCTIONS:
        supabase: LocalSupabase = request.getfixturevalue("supabase")
        return {"SUPABASE_URL": supabase.url, "SUPABASE_SERVICE_ROLE_KEY": SECRET_KEY}
    postgres: EmbeddedPostgres = request.getfixturevalue("postgres")
    return {"DATABASE_URL": postgres.url}


@pytest.fixture(scope="session")
def urls(
    redis_url: str, trail: dict[str, str], request: pytest.FixtureRequest
) -> Iterator[tuple[str, str]]:
    """URLs of two instances; with `TARGET=functions`, twice the URL of the only gateway."""
    if IS_FUNCTIONS:
        with running_service(redis_url, **trail) as url:
            yield url, url
    else:
        one, two = request.getfixturevalue("instances")
        yield one.url, two.url


@pytest.fixture
async def api(urls: tuple[str, str]) -> AsyncIterator[ApiClient]:
    """Client of the first instance."""
    async with api_client(urls[0]) as api:
        yield api


@pytest.fixture
async def other(urls: tuple[str, str]) -> AsyncIterator[ApiClient]:
    """Client of the second instance."""
    async with api_client(urls[1]) as api:
        yield api


@pytest.fixture(scope="session")
def guarded_url(trail: dict[str, str]) -> Iterator[str]:
    """URL of a service that requires tokens and has its own store."""
    with (
        embedded_redis() as redis_url,
        running_service(redis_url, **WITH_AUTHENTICATION, **trail) as url,
    ):
        yield url


@pytest.fixture
async def guarded(guarded_url: str) -> AsyncIterator[ApiClient]:
    """Client of the service that requires tokens; it sends Alice's token by default."""
    async with api_client(guarded_url, tokens.host(), timeout=20) as api:
        yield api


@pytest.fixture(scope="session")
def breakable_postgres() -> Iterator[EmbeddedPostgres]:
    """A migrated database that tests may break and stop, if they repair it afterwards."""
    with embedded_postgres() as server:
        migrate(server.url)
        yield server


@pytest.fixture
def own_trail(breakable_postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of an empty audit trail on that server."""
    with new_database(breakable_postgres, f"trail_{uuid4().hex}") as url:
        yield url


@pytest.fixture(scope="session")
def latin1_url(breakable_postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of an audit trail with the encoding LATIN1 on that server."""
    encoding = "encoding 'LATIN1' template template0 lc_collate 'C' lc_ctype 'C'"
    with new_database(breakable_postgres, "latin", encoding) as url:
        yield url


@contextmanager
def new_database(server: EmbeddedPostgres, name: str, options: str = "") -> Iterator[str]:
    """Yield the URL of a migrated database that exists within the block."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"create database {name} {options}".encode())
    url = server.url.rsplit("/", 1)[0] + f"/{name}"
    migrate(url)
    yield url
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)".encode())


@contextmanager
def stopped(server: EmbeddedPostgres) -> Iterator[None]:
    """Stop the server within the block."""
    server.stop()
    try:
        yield
    finally:
        server.start()


@pytest.fixture(scope="session")
def outbox_redis_url() -> Iterator[str]:
    """A Redis whose outbox only the workers of tests empty."""
    with embedded_redis() as url:
        yield url


@pytest.fixture
async def redis(outbox_redis_url: str) -> AsyncIterator[Redis]:
    """Client of an empty Redis."""
    client = Redis.from_url(outbox_redis_url)
    await client.flushall()
    yield client
    await client.aclose()

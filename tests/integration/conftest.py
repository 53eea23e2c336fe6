"""Two instances on one Redis, and clients of both."""

from collections.abc import AsyncIterator, Iterator

import pytest

from infra.local.instance import Instance, running
from infra.local.postgres import EmbeddedPostgres
from infra.local.redis import embedded_redis
from infra.local.supabase import SECRET_KEY, LocalSupabase
from tests.integration import tokens
from tests.integration.api import Api, calling
from tests.integration.target import IS_FUNCTIONS, serving
from tests.integration.tokens import GUARDED


@pytest.fixture(scope="session")
def instances(redis_url: str, postgres: EmbeddedPostgres) -> Iterator[tuple[Instance, Instance]]:
    """Two instances that share nothing but Redis and the audit trail."""
    with (
        running(redis_url, DATABASE_URL=postgres.url) as one,
        running(redis_url, DATABASE_URL=postgres.url) as two,
    ):
        yield one, two


@pytest.fixture(scope="session")
def urls(redis_url: str, request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """Where two clients go: to two instances, or both to the one gateway of the functions."""
    if IS_FUNCTIONS:
        supabase: LocalSupabase = request.getfixturevalue("supabase")
        trail = {"SUPABASE_URL": supabase.url, "SUPABASE_SERVICE_ROLE_KEY": SECRET_KEY}
        with serving(redis_url, **trail) as url:
            yield url, url
    else:
        one, two = request.getfixturevalue("instances")
        yield one.url, two.url


@pytest.fixture
async def api(urls: tuple[str, str]) -> AsyncIterator[Api]:
    """A client of the service."""
    async with calling(urls[0]) as api:
        yield api


@pytest.fixture
async def other(urls: tuple[str, str]) -> AsyncIterator[Api]:
    """A client of its other instance."""
    async with calling(urls[1]) as api:
        yield api


@pytest.fixture(scope="session")
def guarded_url(supabase: LocalSupabase) -> Iterator[str]:
    """Where a service is that asks for tokens, with a store of its own."""
    trail = {"SUPABASE_URL": supabase.url, "SUPABASE_SERVICE_ROLE_KEY": SECRET_KEY}
    with embedded_redis() as redis_url, serving(redis_url, **GUARDED, **trail) as url:
        yield url


@pytest.fixture
async def guarded(guarded_url: str) -> AsyncIterator[Api]:
    """A client of it with Alice's token unless it says another."""
    async with calling(guarded_url, tokens.host(), timeout=20) as api:
        yield api

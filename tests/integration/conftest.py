"""Two instances on one Redis, and clients of both."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from infra.local.instance import Instance, running
from infra.local.postgres import EmbeddedPostgres
from tests.integration.api import Api


@pytest.fixture(scope="session")
def instances(redis_url: str, postgres: EmbeddedPostgres) -> Iterator[tuple[Instance, Instance]]:
    """Two instances that share nothing but Redis and the audit trail."""
    with (
        running(redis_url, DATABASE_URL=postgres.url) as one,
        running(redis_url, DATABASE_URL=postgres.url) as two,
    ):
        yield one, two


@pytest.fixture
async def api(instances: tuple[Instance, Instance]) -> AsyncIterator[Api]:
    """A client of the first instance."""
    async with httpx.AsyncClient(base_url=instances[0].url, timeout=10) as http:
        yield Api(http)


@pytest.fixture
async def other(instances: tuple[Instance, Instance]) -> AsyncIterator[Api]:
    """A client of the second instance."""
    async with httpx.AsyncClient(base_url=instances[1].url, timeout=10) as http:
        yield Api(http)

"""Two instances on one Redis, and clients of both."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import httpx
import pytest

from infra.local.instance import Instance, running
from tests.integration.api import Api


@pytest.fixture(scope="session")
def instances(redis_url: str) -> Iterator[tuple[Instance, Instance]]:
    """Two instances that share nothing but Redis."""
    with ExitStack() as stack:
        yield stack.enter_context(running(redis_url)), stack.enter_context(running(redis_url))


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

"""A service whose clients listen to Supabase Realtime."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from infra.local.realtime import LocalRealtime
from infra.local.redis import embedded_redis
from infra.local.supabase import SECRET_KEY
from tests.integration import tokens
from tests.integration.api import CERTIFICATES, Api
from tests.integration.realtime.project import Sender
from tests.integration.target import serving
from tests.integration.tokens import GUARDED, bearer


@pytest.fixture(scope="session")
def pushing_url(supabase_realtime: LocalRealtime) -> Iterator[str]:
    """Where it is."""
    settings = supabase_realtime.settings()
    with embedded_redis() as redis_url, serving(redis_url, **GUARDED, **settings) as url:
        yield url


@pytest.fixture
async def pushing(pushing_url: str) -> AsyncIterator[Api]:
    """A client of it, with a backend's token."""
    async with httpx.AsyncClient(
        verify=CERTIFICATES, base_url=pushing_url, timeout=20, headers=bearer(tokens.service())
    ) as http:
        yield Api(http)


@pytest.fixture
async def sender(supabase_realtime: LocalRealtime) -> AsyncIterator[Sender]:
    """One who sends as our backend does."""
    async with httpx.AsyncClient(
        verify=CERTIFICATES, base_url=supabase_realtime.url, headers={"apikey": SECRET_KEY}
    ) as http:
        yield Sender(http)

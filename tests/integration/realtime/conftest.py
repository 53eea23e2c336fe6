"""Fixtures: a service whose clients follow sessions through Supabase Realtime, and its database."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from infra.local.postgres import EmbeddedPostgres
from infra.local.realtime import LocalRealtime
from infra.local.redis import embedded_redis
from tests.integration.realtime.project import Sender, sending_to
from tests.support import tokens
from tests.support.api import ApiClient, api_client
from tests.support.target import running_service
from tests.support.tokens import WITH_AUTHENTICATION


@pytest.fixture(scope="session")
def pushing_url(supabase_realtime: LocalRealtime) -> Iterator[str]:
    """The service's URL."""
    settings = supabase_realtime.settings()
    with (
        embedded_redis() as redis_url,
        running_service(redis_url, **WITH_AUTHENTICATION, **settings) as url,
    ):
        yield url


@pytest.fixture
async def pushing_api(pushing_url: str) -> AsyncIterator[ApiClient]:
    """A client of the service with a backend's token."""
    async with api_client(pushing_url, tokens.service(), timeout=20) as api:
        yield api


@pytest.fixture
async def sender(supabase_realtime: LocalRealtime) -> AsyncIterator[Sender]:
    """A sender with the backend's key."""
    async with sending_to(supabase_realtime.url) as sender:
        yield sender


@pytest.fixture
def connection(postgres: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    """A connection whose transaction is rolled back."""
    with psycopg.connect(postgres.url) as opened:
        yield opened
        opened.rollback()

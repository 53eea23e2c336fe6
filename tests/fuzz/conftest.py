"""Instances for the random tests, with an audit trail."""

from collections.abc import Iterator

import pytest

from infra.local.instance import Instance, running
from infra.local.postgres import EmbeddedPostgres
from infra.local.redis import embedded_redis
from tests.support.tokens import SECRET

Pair = tuple[Instance, Instance]


@pytest.fixture(scope="package")
def pair(postgres: EmbeddedPostgres) -> Iterator[Pair]:
    """Two instances on one Redis of their own."""
    with (
        embedded_redis() as redis_url,
        running(redis_url, DATABASE_URL=postgres.url) as one,
        running(redis_url, DATABASE_URL=postgres.url) as two,
    ):
        yield one, two


@pytest.fixture(scope="package")
def protected(postgres: EmbeddedPostgres) -> Iterator[Instance]:
    """An instance that requires tokens."""
    with (
        embedded_redis() as redis_url,
        running(redis_url, DATABASE_URL=postgres.url, JWT_SECRET=SECRET) as instance,
    ):
        yield instance

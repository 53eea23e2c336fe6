"""An instance that somebody plays on, with its figures on a port of their own."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.instance import running
from infra.local.ports import free_port
from infra.local.postgres import EmbeddedPostgres
from infra.local.redis import embedded_redis
from tests.infra.monitoring.playing import Played
from tests.support.tokens import WITH_AUTHENTICATION

_METRICS_TOKEN = "f0c1a7d29be84635"


@pytest.fixture(scope="session")
def played(postgres: EmbeddedPostgres) -> Iterator[Played]:
    """One that asks for tokens, and so tells tenants apart."""
    port = free_port()
    more: Any = {
        **WITH_AUTHENTICATION,
        "METRICS_PORT": str(port),
        "METRICS_TOKEN": _METRICS_TOKEN,
        "RECOVERY": "off",  # Postgres has sessions of other tests, which would go on here
    }
    with (
        embedded_redis() as redis_url,
        running(redis_url, DATABASE_URL=postgres.url, **more) as instance,
    ):
        yield Played(instance, port)

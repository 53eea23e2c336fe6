"""Fixture: an instance with authentication and a separate metrics port."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.instance import running
from infra.local.ports import free_port
from infra.local.postgres import EmbeddedPostgres
from infra.local.redis import embedded_redis
from tests.infra.monitoring.playing import MonitoredInstance
from tests.support.tokens import WITH_AUTHENTICATION

_METRICS_TOKEN = "f0c1a7d29be84635"


@pytest.fixture(scope="session")
def monitored(postgres: EmbeddedPostgres) -> Iterator[MonitoredInstance]:
    """An instance with authentication, so that its metrics have tenants."""
    port = free_port()
    settings: Any = {
        **WITH_AUTHENTICATION,
        "METRICS_PORT": str(port),
        "METRICS_TOKEN": _METRICS_TOKEN,
        "RECOVERY": "off",  # Postgres has sessions of other tests; they would be restored here
    }
    with (
        embedded_redis() as redis_url,
        running(redis_url, DATABASE_URL=postgres.url, **settings) as instance,
    ):
        yield MonitoredInstance(instance, port)

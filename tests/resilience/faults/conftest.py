"""Services that reach their store and audit database only through fault-injecting proxies."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from infra.local.functions import LocalRunOptions, running_functions
from infra.local.instance import running
from infra.local.postgres import EmbeddedPostgres, embedded_postgres
from infra.local.redis import embedded_redis
from infra.local.supabase import (
    SECRET_KEY,
    LocalSupabase,
    create_roles,
    is_node_installed,
    local_supabase,
)
from infra.local.upstash import local_upstash
from infra.migrate import migrate
from tests.conftest import missing
from tests.resilience.faults.audit_trail import AuditTrail
from tests.resilience.faults.fault_run import Deployment
from tests.resilience.faults.followers import polling_transport, sse_transport, websocket_transport
from tests.support.fault_proxy.proxy import FaultyProxy, faulty_proxy

_SCHEDULE_SPEED = 30
"""Speed-up of the schedules: a job of every minute runs every 2 s."""


_WARM_FUNCTIONS = ("create", "start", "switch", "switch", "read", "read")
"""Two instances of the functions that two players call at once: a cold start during a run would
take CPU from the other functions for longer than a caller waits for the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyDeployment(Deployment):
    """A service with a proxy before its store and one before its audit database."""

    redis: FaultyProxy
    audit: FaultyProxy


@pytest.fixture(scope="session")
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A Postgres for these tests only."""
    with embedded_postgres() as server:
        create_roles(server.url)
        migrate(server.url)
        yield server


@pytest.fixture(scope="session")
def own_supabase(own_postgres: EmbeddedPostgres) -> Iterator[LocalSupabase]:
    """Supabase's API on `own_postgres`."""
    if not is_node_installed():
        missing("Node")
    with local_supabase(own_postgres.url) as server:
        yield server


@pytest.fixture(scope="session")
def container(own_postgres: EmbeddedPostgres) -> Iterator[FaultyDeployment]:
    """Two instances that use Redis and Postgres."""
    with faulty_proxy(own_postgres.port) as audit:
        trail = {"DATABASE_URL": url_of_postgres(audit.port)}
        with _two_instances(own_postgres, audit, trail) as service:
            yield service


@pytest.fixture(scope="module")
def supabase_container(
    own_postgres: EmbeddedPostgres, own_supabase: LocalSupabase
) -> Iterator[FaultyDeployment]:
    """Two instances that use Redis and Supabase's API."""
    with (
        faulty_proxy(port_of(own_supabase.url)) as audit,
        _two_instances(own_postgres, audit, _supabase_behind(audit)) as service,
    ):
        yield service


@pytest.fixture(scope="session")
def functions(
    own_postgres: EmbeddedPostgres, own_supabase: LocalSupabase
) -> Iterator[FaultyDeployment]:
    """The functions, with Upstash and Supabase's API."""
    with (
        embedded_redis() as redis_url,
        local_upstash(redis_url) as upstash,
        faulty_proxy(port_of(upstash.url)) as redis,
        faulty_proxy(port_of(own_supabase.url)) as audit,
    ):
        settings = {
            "UPSTASH_REDIS_REST_URL": f"http://127.0.0.1:{redis.port}",
            "UPSTASH_REDIS_REST_TOKEN": upstash.token,
            "RATE_LIMIT_GENERAL": "0",
            "RATE_LIMIT_SWITCH": "0",
            **_supabase_behind(audit),
        }
        options = LocalRunOptions(warm=_WARM_FUNCTIONS, schedule_speed=_SCHEDULE_SPEED)
        with running_functions(settings, options) as service:
            yield FaultyDeployment(
                urls=(service.url,),
                transports=(polling_transport(service.url),),
                trail=AuditTrail(own_postgres.url),
                players=2,
                redis=redis,
                audit=audit,
            )


@contextmanager
def _two_instances(
    postgres: EmbeddedPostgres, audit: FaultyProxy, trail: dict[str, str]
) -> Iterator[FaultyDeployment]:
    with embedded_redis() as redis_url, faulty_proxy(port_of(redis_url)) as redis:
        url = f"redis://127.0.0.1:{redis.port}/0"
        with (
            running(url, port=None, quiet=False, **trail) as one,
            running(url, port=None, quiet=False, **trail) as two,
        ):
            yield FaultyDeployment(
                urls=(one.url, two.url),
                transports=[
                    transport_of(instance)
                    for instance in (one, two)
                    for transport_of in _PUSH_TRANSPORTS
                ],
                trail=AuditTrail(postgres.url),
                redis=redis,
                audit=audit,
            )


_PUSH_TRANSPORTS = (websocket_transport, sse_transport)


def _supabase_behind(proxy: FaultyProxy) -> dict[str, str]:
    return {
        "SUPABASE_URL": f"http://127.0.0.1:{proxy.port}",
        "SUPABASE_SERVICE_ROLE_KEY": SECRET_KEY,
    }


def url_of_postgres(port: int) -> str:
    """The URL of the test database behind a proxy at `port`."""
    return f"postgresql://postgres@127.0.0.1:{port}/postgres"


def port_of(url: str) -> int:
    """The port in `url`."""
    port = urlsplit(url).port
    assert port is not None
    return port

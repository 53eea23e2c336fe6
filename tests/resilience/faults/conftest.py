"""Services whose every way to what they depend on leads through a proxy that can fail."""

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
from tests.resilience.faults.fault_run import Stage
from tests.resilience.faults.followers import by_events, by_polling, by_websocket
from tests.resilience.faults.proxy import FaultyProxy, faulty_proxy

_HURRY = 30
"""How many times faster than real time schedules go: what runs every minute runs every 2 s."""


_WARM = ("create", "start", "switch", "switch", "read", "read")
"""Two instances of what two players ask at once: a cold start in a trial would take the processors
from the other functions for longer than a caller waits for the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service(Stage):
    """What it depends on fails at these two places."""

    redis: FaultyProxy
    audit: FaultyProxy


@pytest.fixture(scope="session")
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A database that only the services of these tests write to."""
    with embedded_postgres() as server:
        create_roles(server.url)
        migrate(server.url)
        yield server


@pytest.fixture(scope="session")
def own_supabase(own_postgres: EmbeddedPostgres) -> Iterator[LocalSupabase]:
    """Supabase's API on it."""
    if not is_node_installed():
        missing("Node")
    with local_supabase(own_postgres.url) as server:
        yield server


@pytest.fixture(scope="session")
def container(own_postgres: EmbeddedPostgres) -> Iterator[Service]:
    """Two instances on a Redis and a Postgres."""
    with faulty_proxy(own_postgres.port) as audit:
        trail = {"DATABASE_URL": url_of_postgres(audit.port)}
        with _two_instances(own_postgres, audit, trail) as service:
            yield service


@pytest.fixture(scope="module")
def supabase_container(
    own_postgres: EmbeddedPostgres, own_supabase: LocalSupabase
) -> Iterator[Service]:
    """Two instances on a Redis and Supabase's API."""
    with (
        faulty_proxy(port_of(own_supabase.url)) as audit,
        _two_instances(own_postgres, audit, _supabase_behind(audit)) as service,
    ):
        yield service


@pytest.fixture(scope="session")
def functions(own_postgres: EmbeddedPostgres, own_supabase: LocalSupabase) -> Iterator[Service]:
    """The functions on Upstash and Supabase's API."""
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
        options = LocalRunOptions(warm=_WARM, schedule_speed=_HURRY)
        with running_functions(settings, options) as running_here:
            yield Service(
                urls=(running_here.url,),
                followings=(by_polling(running_here.url),),
                trail=AuditTrail(own_postgres.url),
                players=2,
                redis=redis,
                audit=audit,
            )


@contextmanager
def _two_instances(
    postgres: EmbeddedPostgres, audit: FaultyProxy, trail: dict[str, str]
) -> Iterator[Service]:
    with embedded_redis() as redis_url, faulty_proxy(port_of(redis_url)) as redis:
        there = f"redis://127.0.0.1:{redis.port}/0"
        with (
            running(there, port=None, quiet=False, **trail) as one,
            running(there, port=None, quiet=False, **trail) as two,
        ):
            yield Service(
                urls=(one.url, two.url),
                followings=[way(instance) for instance in (one, two) for way in _PUSHES],
                trail=AuditTrail(postgres.url),
                redis=redis,
                audit=audit,
            )


_PUSHES = (by_websocket, by_events)


def _supabase_behind(proxy: FaultyProxy) -> dict[str, str]:
    return {
        "SUPABASE_URL": f"http://127.0.0.1:{proxy.port}",
        "SUPABASE_SERVICE_ROLE_KEY": SECRET_KEY,
    }


def url_of_postgres(port: int) -> str:
    """Its database, at another port."""
    return f"postgresql://postgres@127.0.0.1:{port}/postgres"


def port_of(url: str) -> int:
    """The port that a url names."""
    port = urlsplit(url).port
    assert port is not None
    return port

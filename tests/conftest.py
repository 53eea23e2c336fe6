"""What every test may ask for."""

import os
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import httpx._transports.default
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from infra.local.postgres import EmbeddedPostgres, embedded_postgres
from infra.local.realtime import LocalRealtime, local_realtime
from infra.local.redis import embedded_redis
from infra.local.supabase import LocalSupabase, create_project, is_node_installed, local_supabase

_TOGETHER = {
    "tests/infra/packaging/": "what is packaged",
    "tests/integration/test_permissions.py": "a service that asks for tokens",
    "tests/integration/test_pages.py": "a service that asks for tokens",
    "tests/integration/test_retries.py": "a service that asks for tokens",
    "tests/integration/test_rights.py": "a service that asks for tokens",
}
"""Folders and files whose tests share something that takes long to make: one worker makes it."""

_FIRST = ("tests/infra/packaging/",)
"""What takes longest: it comes first, so that no worker is left alone with it at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that take longest first."""
    items.sort(key=lambda item: not item.nodeid.startswith(_FIRST))


class OneByOne(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """A file's tests stay with one worker, and so do those of files that share something."""

    def _split_scope(self, nodeid: str) -> str:
        shared = (what for path, what in _TOGETHER.items() if nodeid.startswith(path))
        return next(shared, str(super()._split_scope(nodeid)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """Ours in place of `--dist loadfile`."""
    return OneByOne(config, log) if config.option.dist == "loadfile" else None


def pytest_configure() -> None:
    """Let all HTTP clients of this process share the certificates.

    Loading them takes 20 ms, and a client that is not given any loads them: longer than many tests.
    """
    load, certificates = httpx.create_ssl_context, httpx.create_ssl_context()

    def shared(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        if verify is True and cert is None:
            return certificates
        return load(verify, cert, trust_env)

    httpx.create_ssl_context = shared
    httpx._transports.default.create_ssl_context = shared  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The service runs on asyncio, so its tests do."""
    return "asyncio"


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real Redis of this test run's own."""
    with embedded_redis() as url:
        yield url


@pytest.fixture
def own_redis_url() -> Iterator[str]:
    """A Redis for a service of a test's own: two that disagree on settings can't share one."""
    with embedded_redis() as url:
        yield url


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A real Postgres of this test run's own, like a Supabase project's, with our migrations."""
    with embedded_postgres() as server:
        assert create_project(server.url)
        yield server


@pytest.fixture(scope="session")
def supabase(postgres: EmbeddedPostgres) -> Iterator[LocalSupabase]:
    """Supabase's API on it."""
    if not is_node_installed():
        missing("Node")
    with local_supabase(postgres.url) as server:
        yield server


@pytest.fixture(scope="session")
def supabase_realtime(
    postgres: EmbeddedPostgres, supabase: LocalSupabase
) -> Iterator[LocalRealtime]:
    """The whole project on it: that API, and Realtime."""
    with local_realtime(postgres.url, upstream=supabase.url) as server:
        yield server


def missing(tool: str) -> None:
    """Skip visibly, or fail where everything is required, because `tool` is not here."""
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"{tool} is missing, and REQUIRE_ALL=1")
    pytest.skip(f"{tool} is missing")

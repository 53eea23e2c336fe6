"""Fixtures and settings that all tests share, and the order of tests on several workers."""

import os
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx._transports.default
import pytest
from _pytest.mark.expression import Expression
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from infra.local import forked
from infra.local.postgres import EmbeddedPostgres, embedded_postgres
from infra.local.realtime import LocalRealtime, local_realtime
from infra.local.redis import embedded_redis
from infra.local.supabase import LocalSupabase, create_project, is_node_installed, local_supabase
from tests.support.marks import marks_of, may_run

_GROUPS = {
    "tests/e2e/": "browser",
    "tests/infra/packaging/": "packages",
    "tests/integration/test_chosen_ids.py": "service with authentication",
    "tests/integration/test_permissions.py": "service with authentication",
    "tests/integration/test_pages.py": "service with authentication",
    "tests/integration/test_retries.py": "service with authentication",
    "tests/integration/test_revoked_tokens.py": "service with authentication",
    "tests/integration/test_rights.py": "service with authentication",
}
"""Path to group. The tests of a group share a slow fixture, so one worker runs all of them; two
browsers at once would also slow each other down."""

_SLOWEST = ("tests/e2e/", "tests/infra/packaging/", "tests/clients/test_conformance.py")
"""These start first, so that no worker is still busy with them when the others have finished."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no file whose tests `-m` deselects: some take long to import or to collect."""
    if not config.option.markexpr or collection_path.suffix != ".py":
        return None
    path = collection_path.relative_to(config.rootpath).as_posix()
    return None if may_run(path, Expression.compile(config.option.markexpr)) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests by where they are, and run the slowest ones first."""
    for item in items:
        for mark in marks_of(item.nodeid):
            item.add_marker(mark)
    items.sort(key=lambda item: not item.nodeid.startswith(_SLOWEST))


class GroupedFileScheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Keeps the tests of a file on one worker, and those of the files of a group, too."""

    def _split_scope(self, nodeid: str) -> str:
        groups = (group for path, group in _GROUPS.items() if nodeid.startswith(path))
        return next(groups, str(super()._split_scope(nodeid)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """Replace the scheduler of `--dist loadfile`."""
    return GroupedFileScheduling(config, log) if config.option.dist == "loadfile" else None


def pytest_configure() -> None:
    """Fork instances, share one TLS context among all HTTP clients, and let no test depend on time.

    Otherwise each instance imports the service, which takes most of a second, and each client loads
    the certificates, which takes 20 ms; and Hypothesis refuses examples that take over 200 ms.

    A shell starts background jobs with SIGINT ignored, and so would the programs that tests start.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    forked.is_enabled = True
    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")
    create, default = httpx.create_ssl_context, httpx.create_ssl_context()

    def shared(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        if verify is True and cert is None:
            return default
        return create(verify, cert, trust_env)

    httpx.create_ssl_context = shared
    httpx._transports.default.create_ssl_context = shared  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the service does."""
    return "asyncio"


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis server that all tests of this process share."""
    with embedded_redis() as url:
        yield url


@pytest.fixture
def own_redis_url() -> Iterator[str]:
    """A Redis server for one test: services with different settings can't share one."""
    with embedded_redis() as url:
        yield url


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A Postgres server like a Supabase project's, with all migrations, that all tests share."""
    with embedded_postgres() as server:
        assert create_project(server.url)
        yield server


@pytest.fixture(scope="session")
def supabase(postgres: EmbeddedPostgres) -> Iterator[LocalSupabase]:
    """Supabase's API on that Postgres."""
    if not is_node_installed():
        missing("Node")
    with local_supabase(postgres.url) as server:
        yield server


@pytest.fixture(scope="session")
def supabase_realtime(
    postgres: EmbeddedPostgres, supabase: LocalSupabase
) -> Iterator[LocalRealtime]:
    """A whole Supabase project on that Postgres: the API and Realtime."""
    with local_realtime(postgres.url, upstream=supabase.url) as server:
        yield server


def missing(tool: str) -> None:
    """Skip the test because `tool` is missing, or fail it if `REQUIRE_ALL` is 1."""
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"{tool} is missing, and REQUIRE_ALL=1")
    pytest.skip(f"{tool} is missing")

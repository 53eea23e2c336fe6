"""Fixtures shared by the tests of the client libraries."""

import json
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.instance import Instance, running
from infra.local.npm import is_node_installed, npm_install
from infra.local.realtime import LocalRealtime
from infra.local.redis import embedded_redis
from tests.conftest import missing
from tests.support import tokens
from tests.support.api import ApiClient, api_client
from tests.support.tokens import WITH_AUTHENTICATION

_JAVASCRIPT = Path(__file__).parents[2] / "clients" / "js"
_UNLIMITED: Any = {"RATE_LIMIT_GENERAL": "0", "RATE_LIMIT_SWITCH": "0"}


@pytest.fixture(scope="session")
def javascript() -> None:
    """Install the packages that the JavaScript tests need; skip or fail without Node."""
    if not is_node_installed():
        missing("Node")
    npm_install(_JAVASCRIPT)


JavaScriptVectors = Callable[[str, list[dict[str, Any]]], None]


@pytest.fixture
def javascript_vectors(javascript: None, tmp_path: Path) -> JavaScriptVectors:
    """Runs a test file of the JavaScript library, such as `clock.test.mjs`, on other vectors."""

    def run(name: str, vectors: list[dict[str, Any]]) -> None:
        file = tmp_path / "vectors.json"
        file.write_text(json.dumps({"vectors": vectors}))
        command = ["node", "--test", f"tests/{name}"]
        environment = {**os.environ, "VECTORS": str(file)}
        subprocess.run(command, cwd=_JAVASCRIPT, env=environment, check=True)

    return run


@pytest.fixture(scope="session")
def service_redis_url() -> Iterator[str]:
    """The Redis of `service`.

    Other tests don't use it: the service has no trail, so it would apply deadlines of their
    sessions without an audit entry.
    """
    with embedded_redis() as url:
        yield url


@pytest.fixture(scope="session")
def service(service_redis_url: str) -> Iterator[Instance]:
    """A service without authentication."""
    with running(service_redis_url, **_UNLIMITED) as instance:
        yield instance


@pytest.fixture(scope="session")
def service_with_authentication() -> Iterator[Instance]:
    """A service that requires tokens."""
    settings = {**WITH_AUTHENTICATION, **_UNLIMITED}
    with embedded_redis() as redis_url, running(redis_url, **settings) as instance:
        yield instance


@pytest.fixture(scope="session")
def service_with_supabase(supabase_realtime: LocalRealtime) -> Iterator[Instance]:
    """A service that requires tokens and pushes to Supabase Realtime."""
    settings = {**WITH_AUTHENTICATION, **_UNLIMITED, **supabase_realtime.settings()}
    with embedded_redis() as redis_url, running(redis_url, **settings) as instance:
        yield instance


@pytest.fixture
async def api(service: Instance) -> AsyncIterator[ApiClient]:
    """Another caller of `service`."""
    async with api_client(service.url) as api:
        yield api


@pytest.fixture
async def host(service_with_authentication: Instance) -> AsyncIterator[ApiClient]:
    """A host of `service_with_authentication`, who owns the sessions."""
    async with api_client(service_with_authentication.url, tokens.host()) as api:
        yield api

"""A session on the packages themselves, under the runtime's own Python: nothing is missing."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local.functions import LocalRunOptions, running_functions
from infra.local.redis import embedded_redis
from infra.local.supabase import SECRET_KEY, LocalSupabase
from infra.local.upstash import local_upstash
from infra.packaging.interpreter import python312
from infra.packaging.local_build import LocalBuild
from infra.packaging.wheels import install
from tests.support.api import chess, participant

_RUNTIME = ("awslambdaric", "simplejson", "snapshot-restore-py")
_PATIENCE_S = 10.0


@pytest.fixture(scope="module")
def http(
    here: LocalBuild, supabase: LocalSupabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A client of the packaged functions."""
    runtime = tmp_path_factory.mktemp("runtime")
    install([f"{name}=={version(name)}" for name in _RUNTIME], "host", runtime)
    folders = {function.name: folder for function, folder in here.functions.items()}
    options = LocalRunOptions(
        code=lambda name: folders[name],
        python=Path(python312()),
        python_path=[here.layer, runtime],
    )
    with ExitStack() as stack:
        upstash = stack.enter_context(local_upstash(stack.enter_context(embedded_redis())))
        settings = {
            "UPSTASH_REDIS_REST_URL": upstash.url,
            "UPSTASH_REDIS_REST_TOKEN": upstash.token,
            "SUPABASE_URL": supabase.url,
            "SUPABASE_SERVICE_ROLE_KEY": SECRET_KEY,
        }
        functions = stack.enter_context(running_functions(settings, options))
        yield stack.enter_context(httpx.Client(base_url=functions.url, timeout=10))


def test_a_session_is_played_from_the_packages(http: httpx.Client) -> None:
    body = chess(
        participants=[participant(6_000), participant(60_000)],
        action_on_timeout={"type": "end_session"},
    )
    _play(http, chess())  # cold starts take from nobody's clock
    session = _play(http, body)
    assert http.get(session).json()["data"]["status"] == "running"
    _await(lambda: http.get(f"{session}/summary").json()["data"]["status"] == "expired")
    events = _await(lambda: _events(http, session, 7))
    assert events[-1]["event"] == "time_expired"
    assert http.get(f"{session}/replay?version=2").json()["data"]["status"] == "running"
    assert http.delete(session).status_code == 204


@pytest.mark.parametrize("path", ["/", "/console/main.js", "/api-docs", "/v1/time", "/health"])
def test_what_needs_no_session_is_there(http: httpx.Client, path: str) -> None:
    assert http.get(path).status_code == 200


def test_the_document_describes_every_endpoint_though_others_leave_it_out(
    http: httpx.Client,
) -> None:
    paths = http.get("/api-docs.json").json()["paths"]
    switch = paths["/v1/sessions/{session_id}/switch"]["post"]
    assert set(switch["responses"]) >= {"200", "400", "404", "409", "412", "503"}


def test_the_packages_find_all_that_they_depend_on(http: httpx.Client) -> None:
    assert http.get("/ready").json() == {
        "status": "ready",
        "checks": {"redis": "up", "audit": "up"},
    }


def _play(http: httpx.Client, body: Any) -> str:
    """The address of a session in which five things have happened."""
    session_id = http.post("/v1/sessions", json=body).json()["data"]["session_id"]
    session = f"/v1/sessions/{session_id}"
    for verb in ("start", "switch", "switch", "pause", "resume"):
        assert http.post(f"{session}/{verb}").status_code == 200
    return session


def _events(http: httpx.Client, session: str, count: int) -> Any:
    events = http.get(f"{session}/events").json()["data"]["events"]
    return events if len(events) >= count else None


def _await(condition: Callable[[], Any]) -> Any:
    give_up = time.monotonic() + _PATIENCE_S
    while not (met := condition()):
        assert time.monotonic() < give_up
        time.sleep(0.1)
    return met

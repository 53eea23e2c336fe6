"""What else answers at a project's URL: PostgREST, where there is one."""

from collections.abc import Iterator

import httpx
import pytest

from infra.local.ports import free_port
from infra.local.postgres import EmbeddedPostgres
from infra.local.realtime import LocalRealtime, local_realtime
from infra.local.supabase import SECRET_KEY, LocalSupabase
from tests.support.api import CERTIFICATES

_KEYS = {"apikey": SECRET_KEY, "Authorization": f"Bearer {SECRET_KEY}"}
_PATHS = (
    "/rest/v1/sync_sessions?select=status&limit=1&session_id=eq.2f9a7c1e-4a55-4be0-9a53-0f1f4c3b7d11",
    "/rest/v1/sync_sessions?order=nothing",
    "/rest/v1/nothing%20at%2Fall",
    "/auth/v1/settings",
)


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    """A client."""
    with httpx.Client(verify=CERTIFICATES, headers=_KEYS) as client:
        yield client


@pytest.mark.parametrize("path", _PATHS)
def test_it_answers_as_if_it_were_asked_itself(
    supabase: LocalSupabase, supabase_realtime: LocalRealtime, http: httpx.Client, path: str
) -> None:
    itself, through = (http.get(server.url + path) for server in (supabase, supabase_realtime))
    assert (through.status_code, through.content) == (itself.status_code, itself.content)
    assert through.headers["content-type"] == itself.headers["content-type"]


def test_a_body_gets_through(supabase_realtime: LocalRealtime, http: httpx.Client) -> None:
    path = "/rest/v1/rpc/sessions_that_wake"
    arguments = {"after_tenant": "", "after": None, "at_most": 0}
    answer = http.post(supabase_realtime.url + path, json=arguments)
    assert (answer.status_code, answer.json()) == (200, [])


def test_where_there_is_none_it_is_missing(postgres: EmbeddedPostgres, http: httpx.Client) -> None:
    with local_realtime(postgres.url) as alone:
        assert http.get(f"{alone.url}/rest/v1/sync_sessions").status_code == 404


def test_where_it_is_away_that_is_said(postgres: EmbeddedPostgres, http: httpx.Client) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    with local_realtime(postgres.url, upstream=nowhere) as server:
        assert http.get(f"{server.url}/rest/v1/sync_sessions").status_code == 502

"""The emulator forwards other paths of a project's URL to PostgREST, if there is one."""

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
    """A client with the secret key."""
    with httpx.Client(verify=CERTIFICATES, headers=_KEYS, timeout=30) as client:
        yield client


@pytest.mark.parametrize("path", _PATHS)
def test_forwarded_requests_get_the_same_response_as_direct_ones(
    supabase: LocalSupabase, supabase_realtime: LocalRealtime, http: httpx.Client, path: str
) -> None:
    direct, forwarded = (http.get(server.url + path) for server in (supabase, supabase_realtime))
    assert (forwarded.status_code, forwarded.content) == (direct.status_code, direct.content)
    assert forwarded.headers["content-type"] == direct.headers["content-type"]


def test_a_request_s_body_is_forwarded(
    supabase_realtime: LocalRealtime, http: httpx.Client
) -> None:
    path = "/rest/v1/rpc/sessions_that_wake"
    arguments = {"after_tenant": "", "after": None, "at_most": 0}
    answer = http.post(supabase_realtime.url + path, json=arguments)
    assert (answer.status_code, answer.json()) == (200, [])


def test_without_an_upstream_other_paths_answer_404(
    postgres: EmbeddedPostgres, http: httpx.Client
) -> None:
    with local_realtime(postgres.url) as alone:
        assert http.get(f"{alone.url}/rest/v1/sync_sessions").status_code == 404


def test_an_unreachable_upstream_answers_502(
    postgres: EmbeddedPostgres, http: httpx.Client
) -> None:
    unreachable = f"http://127.0.0.1:{free_port()}"
    with local_realtime(postgres.url, upstream=unreachable) as server:
        assert http.get(f"{server.url}/rest/v1/sync_sessions").status_code == 502

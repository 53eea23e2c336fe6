"""The packaged functions run a session under the Lambda runtime's Python: nothing is missing."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from anyio import to_thread
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from infra.local.functions import LocalRunOptions, running_functions
from infra.local.postgres import EmbeddedPostgres
from infra.local.realtime import local_realtime
from infra.local.redis import embedded_redis
from infra.local.supabase import SECRET_KEY, LocalSupabase
from infra.local.upstash import local_upstash
from infra.packaging.interpreter import lambda_python
from infra.packaging.local_build import LocalBuild
from infra.packaging.wheels import install
from tests.integration.realtime.clients import subscribed
from tests.support import tokens
from tests.support.api import chess, participant
from tests.support.key_set import key_set, served_key_set

_RUNTIME = ("awslambdaric", "simplejson", "snapshot-restore-py")
_TIMEOUT_S = 30.0
_FILES_OF_A_PAGE = 6
"""The icon, a stylesheet, two scripts, and two pictures of one file."""


@pytest.fixture(scope="module")
def run(
    local_build: LocalBuild, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., AbstractContextManager[httpx.Client]]:
    """Run the packaged functions with settings, and yield a client of them."""
    runtime = tmp_path_factory.mktemp("runtime")
    install([f"{name}=={version(name)}" for name in _RUNTIME], "host", runtime)
    folders = {function.name: folder for function, folder in local_build.functions.items()}
    options = LocalRunOptions(
        code=lambda name: folders[name],
        python=Path(lambda_python()),
        python_path=[local_build.layer, runtime],
    )

    @contextmanager
    def running(**settings: str) -> Iterator[httpx.Client]:
        with (
            embedded_redis() as redis,
            local_upstash(redis) as upstash,
            running_functions(
                {
                    "UPSTASH_REDIS_REST_URL": upstash.url,
                    "UPSTASH_REDIS_REST_TOKEN": upstash.token,
                    **settings,
                },
                options,
            ) as functions,
            httpx.Client(base_url=functions.url, timeout=30) as http,
        ):
            yield http

    return running


@pytest.fixture(scope="module")
def http(
    run: Callable[..., AbstractContextManager[httpx.Client]], supabase: LocalSupabase
) -> Iterator[httpx.Client]:
    """A client of the packaged functions, which don't require tokens."""
    settings = {"SUPABASE_URL": supabase.url, "SUPABASE_SERVICE_ROLE_KEY": SECRET_KEY}
    with run(**settings) as http:
        yield http


def test_the_packaged_functions_run_a_session(http: httpx.Client) -> None:
    body = chess(
        participants=[participant(6_000), participant(60_000)],
        action_on_timeout={"type": "end_session"},
    )
    _play(http, chess())  # cold starts happen here, not in the next session
    session = _play(http, body)
    assert http.get(session).json()["data"]["status"] == "running"
    _wait_until(lambda: http.get(f"{session}/summary").json()["data"]["status"] == "expired")
    events = _wait_until(lambda: _events(http, session, 7))
    assert events[-1]["event"] == "time_expired"
    assert http.get(f"{session}/replay?version=2").json()["data"]["status"] == "running"
    assert http.delete(session).status_code == 204


@pytest.mark.parametrize("keys", ["secrets", "keys"])
async def test_the_packaged_functions_verify_and_sign_tokens(
    run: Callable[..., AbstractContextManager[httpx.Client]],
    supabase: LocalSupabase,
    postgres: EmbeddedPostgres,
    keys: str,
) -> None:
    """With secrets that both sides know (HS256), and with keys of an issuer and of ours (ES256)."""
    private = ec.generate_private_key(ec.SECP256R1())
    public = key_set({"ES256": private})["keys"]
    ours = json.dumps(ECAlgorithm.to_jwk(private, as_dict=True) | {"kid": "ES256"})
    with ExitStack() as stack:
        keys_url = stack.enter_context(served_key_set({"ES256": private}))
        project = stack.enter_context(
            local_realtime(postgres.url, signing_keys=public, upstream=supabase.url)
        )
        settings = {**project.settings(), **tokens.WITH_AUTHENTICATION}
        token = tokens.host()
        if keys == "keys":
            del settings["SUPABASE_JWT_SECRET"]
            settings |= {"SUPABASE_SIGNING_KEY": ours, "JWT_JWKS_URL": keys_url}
            claims = tokens.claims("host", "alice")
            token = tokens.signed(claims, key=private, algorithm="ES256", kid="ES256")
        http = stack.enter_context(run(**settings))
        http.headers.update(tokens.bearer(token))
        session = _play(http, chess())
        subscription = http.get(f"{session}/realtime").json()["data"]
        algorithm = jwt.get_unverified_header(subscription["token"])["alg"]
        assert algorithm == ("ES256" if keys == "keys" else "HS256")
        async with subscribed("python", subscription) as follower:
            switched = await to_thread.run_sync(http.post, f"{session}/switch")
            assert switched.status_code == 200
            assert (await follower.message_of_version(7))["state"]["status"] == "running"


@pytest.mark.parametrize("path", ["/", "/console/main.js", "/api-docs", "/v1/time", "/health"])
def test_pages_without_a_session_are_served(http: httpx.Client, path: str) -> None:
    assert http.get(path).status_code == 200


def test_the_console_s_files_may_be_kept(http: httpx.Client) -> None:
    files = re.findall(r'(?:href|src)="(/console/[^"#]+)', http.get("/").text)
    assert len(files) == _FILES_OF_A_PAGE
    for file in files:
        assert "immutable" in http.get(file).raise_for_status().headers["cache-control"], file


def test_the_api_document_describes_the_switch_with_its_responses(
    http: httpx.Client,
) -> None:
    paths = http.get("/api-docs.json").json()["paths"]
    switch = paths["/v1/sessions/{session_id}/switch"]["post"]
    assert set(switch["responses"]) >= {"200", "400", "404", "409", "412", "503"}


def test_readiness_reaches_redis_and_the_audit_trail(http: httpx.Client) -> None:
    assert http.get("/ready").json() == {
        "status": "ready",
        "checks": {"redis": "up", "audit": "up"},
    }


def _play(http: httpx.Client, body: Any) -> str:
    """Create a session, make five changes, and return the session's path."""
    session_id = http.post("/v1/sessions", json=body).json()["data"]["session_id"]
    session = f"/v1/sessions/{session_id}"
    for verb in ("start", "switch", "switch", "pause", "resume"):
        assert http.post(f"{session}/{verb}").status_code == 200
    return session


def _events(http: httpx.Client, session: str, count: int) -> Any:
    events = http.get(f"{session}/events").json()["data"]["events"]
    return events if len(events) >= count else None


def _wait_until(condition: Callable[[], Any]) -> Any:
    give_up = time.monotonic() + _TIMEOUT_S
    while not (met := condition()):
        assert time.monotonic() < give_up
        time.sleep(0.1)
    return met

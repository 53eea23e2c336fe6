"""SnapStart with Lambda's own runtime: the first invocation after a restore works as any other."""

import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from redis import Redis

from infra.local.functions import LocalFunctions, LocalRunOptions, running_functions
from infra.local.functions.events import HttpRequest, http_api_event
from infra.local.supabase import PUBLISHABLE_KEY, SECRET_KEY
from infra.local.upstash import LocalUpstash
from shared.store.keys import StoreKeys
from tests.functions.lambda_process import FunctionResponse, LambdaProcess, parse_response
from tests.functions.recording_aws import TOKEN, RecordingAws
from tests.support.broadcast_server import BroadcastServer
from tests.support.shifted_clock import ShiftedClock

_HOUR_S = 3_600
_ROUNDING_MS = 2


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Functions with a snapshot, and their log since then."""

    running: LocalFunctions
    log: io.StringIO
    credentials_fetched: int
    """Number of fetches before the snapshots were finished."""

    def first_response(self, function: str, method: str, path: str) -> FunctionResponse:
        """Send `function` its first request."""
        return parse_response(
            self.running.invoke(function, http_api_event(HttpRequest(method, path)))
        )

    def log_lines(self, function: str) -> list[dict[str, Any]]:
        """Return the parsed log lines of `function`."""
        lines = [line.partition(": ") for line in self.log.getvalue().splitlines()]
        return [json.loads(line) for name, _, line in lines if name == function and line[0] == "{"]


@pytest.fixture(scope="module")
def realtime() -> Iterator[BroadcastServer]:
    """Broadcast server that the functions push to."""
    with BroadcastServer() as server:
        yield server


@pytest.fixture(scope="module")
def snapshots(
    shifted_upstash: tuple[LocalUpstash, ShiftedClock],
    recording_server: RecordingAws,
    realtime: BroadcastServer,
) -> Iterator[Snapshots]:
    """Snapshots whose connections to the store are all closed."""
    upstash, _ = shifted_upstash
    recording_server.reset()
    settings = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{recording_server.url}/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": TOKEN,
        "UPSTASH_REDIS_REST_URL": upstash.url,
        "UPSTASH_REDIS_REST_TOKEN": upstash.token,
        "SUPABASE_URL": realtime.url,
        "SUPABASE_SERVICE_ROLE_KEY": SECRET_KEY,
        "SUPABASE_PUBLISHABLE_KEY": PUBLISHABLE_KEY,
        "LOG_LEVEL": "INFO",
    }
    log = io.StringIO()
    options = LocalRunOptions(stage="prod", schedule_speed=0, log=log)
    with running_functions(settings, options) as running:
        running.snapshot("switch")
        running.snapshot("pause")
        upstash.stop()
        upstash.start()
        yield Snapshots(running, log, recording_server.credentials_fetched)


def test_the_first_switch_after_a_restore_works_as_any_other(
    snapshots: Snapshots,
    process: LambdaProcess,
    upstash: LocalUpstash,
    redis: Redis,
    recording_server: RecordingAws,
    realtime: BroadcastServer,
) -> None:
    session_id = process.create_started_session()
    redis.delete(
        StoreKeys().outbox(StoreKeys().shard_of(session_id))
    )  # an empty outbox, so that an audit trigger is sent
    upstash.requests.clear()
    connections = upstash.connections
    answer = snapshots.first_response("switch", "POST", f"/v1/sessions/{session_id}/switch")
    assert (answer.status, answer.headers["etag"]) == (200, '"3"')
    assert upstash.connections - connections == 1
    measuring, loading, committing = upstash.requests
    assert measuring.commands == (("time",),)
    assert (loading.path, committing.path) == ("/pipeline", "/")
    assert recording_server.credentials_fetched > snapshots.credentials_fetched
    assert [sent.told for sent in realtime.sent] == [[("STATE_UPDATE", 3)]]
    (line,) = snapshots.log_lines("switch")
    assert line["level"] == "INFO"
    assert line["function"] == "synckairos-prod-switch"
    assert (line["start"], line["session_id"]) == ("cold", session_id)
    assert line["invocation_id"]
    assert line["request_id"] == answer.headers["x-request-id"]


def test_the_time_is_right_after_a_restore_though_the_clock_has_moved(
    snapshots: Snapshots, process: LambdaProcess, store_clock: ShiftedClock, upstash: LocalUpstash
) -> None:
    store_clock.ahead_s = _HOUR_S
    session_id = process.create_started_session()
    upstash.requests.clear()
    before = time.time() * 1000 + _HOUR_S * 1000
    answer = snapshots.first_response("pause", "POST", f"/v1/sessions/{session_id}/pause")
    after = time.time() * 1000 + _HOUR_S * 1000
    error = (after - before) / 2 + _ROUNDING_MS  # at most half of the round trip to the store
    assert before - error <= answer.json["data"]["server_time_ms"] <= after + error
    first, *_ = upstash.requests
    assert first.commands == (("time",),)

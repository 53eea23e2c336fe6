"""SnapStart with Lambda's own runtime: the first invocation after a restore is as any other."""

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
from shared.store.keys import Keys
from tests.functions.lambda_process import Answer, Process, answer_of
from tests.functions.recording_aws import TOKEN, RecordingAws
from tests.support.broadcast_server import BroadcastServer, broadcast_server
from tests.support.shifted_clock import ShiftedClock

_HOUR_S = 3_600
_ERROR_MS = 50
"""Half of the round trip in which the clock was measured, on a machine that is busy."""


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Functions that were started up to their snapshot, and what they have logged since."""

    running: LocalFunctions
    log: io.StringIO
    credentials_fetched: int
    """How often, for everything before the snapshots."""

    def first(self, function: str, method: str, path: str) -> Answer:
        """What `function` answers to its first request."""
        return answer_of(self.running.invoke(function, http_api_event(HttpRequest(method, path))))

    def logged(self, function: str) -> list[dict[str, Any]]:
        """Its log."""
        lines = [line.partition(": ") for line in self.log.getvalue().splitlines()]
        return [json.loads(line) for name, _, line in lines if name == function and line[0] == "{"]


@pytest.fixture(scope="module")
def realtime() -> Iterator[BroadcastServer]:
    """What they push to."""
    with broadcast_server() as server:
        yield server


@pytest.fixture(scope="module")
def snapshots(
    shifted_upstash: tuple[LocalUpstash, ShiftedClock],
    recording_server: RecordingAws,
    realtime: BroadcastServer,
) -> Iterator[Snapshots]:
    """Snapshots older than every connection there is now."""
    upstash, _ = shifted_upstash
    recording_server.begin()
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
        running.snapshot("time")
        upstash.stop()
        upstash.start()
        yield Snapshots(running, log, recording_server.fetched)


def test_the_first_switch_after_a_restore_is_as_any_other(
    snapshots: Snapshots,
    process: Process,
    upstash: LocalUpstash,
    redis: Redis,
    recording_server: RecordingAws,
    realtime: BroadcastServer,
) -> None:
    session_id = process.game()
    redis.delete(Keys().outbox(Keys().shard_of(session_id)))  # so that there is a nudge to send
    upstash.requests.clear()
    connections = upstash.connections
    answer = snapshots.first("switch", "POST", f"/v1/sessions/{session_id}/switch")
    assert (answer.status, answer.headers["etag"]) == (200, '"3"')
    assert upstash.connections - connections == 1
    measuring, loading, committing = upstash.requests
    assert measuring.commands == (("time",),)
    assert (loading.path, committing.path) == ("/pipeline", "/")
    assert recording_server.fetched > snapshots.credentials_fetched
    assert [sent.told for sent in realtime.sent] == [[("STATE_UPDATE", 3)]]
    (line,) = snapshots.logged("switch")
    assert line["level"] == "INFO"
    assert line["function"] == "synckairos-prod-switch"
    assert (line["start"], line["session_id"]) == ("cold", session_id)
    assert line["invocation_id"]
    assert line["request_id"] == answer.headers["x-request-id"]


def test_the_first_time_after_a_restore_is_right_though_the_clock_has_moved(
    snapshots: Snapshots, store_clock: ShiftedClock, upstash: LocalUpstash
) -> None:
    store_clock.ahead_s = _HOUR_S
    before = time.time() * 1000 + _HOUR_S * 1000
    answer = snapshots.first("time", "GET", "/v1/time")
    after = time.time() * 1000 + _HOUR_S * 1000
    assert before - _ERROR_MS <= answer.json["timestamp_ms"] <= after + _ERROR_MS
    assert [asked.commands for asked in upstash.requests] == [(("time",),)]

"""An instance that is restored from a snapshot: nothing in it is as old as the snapshot."""

import time

from functions.service import time as time_endpoint
from functions.sessions import read
from infra.local.upstash import LocalUpstash
from tests.functions.lambda_process import Process
from tests.functions.recording_aws import RecordingAws
from tests.support.shifted_clock import ShiftedClock

_HOUR_S = 3_600
_ROUNDING_MS = 2


def assert_time_is_right(process: Process, store_clock: ShiftedClock) -> None:
    """Hold `/v1/time` against the clock, within what the measurement itself may have erred."""
    before = time.time() * 1000 + store_clock.ahead_s * 1000
    answer = process.request(time_endpoint.handler, "GET", "/v1/time")
    after = time.time() * 1000 + store_clock.ahead_s * 1000
    error = process.instance.backend.clock.error_ms + _ROUNDING_MS
    assert before - error <= answer.json["timestamp_ms"] <= after + error
    assert error < 500


def test_a_restored_instance_knows_the_time_as_it_is_now(
    process: Process, store_clock: ShiftedClock, upstash: LocalUpstash
) -> None:
    assert_time_is_right(process, store_clock)
    process.instance.before_snapshot()
    store_clock.ahead_s = _HOUR_S
    process.instance.after_restore()
    upstash.requests.clear()
    assert_time_is_right(process, store_clock)
    assert len(upstash.requests) == 0


def test_a_restored_instance_opens_a_connection_of_its_own(
    process: Process, upstash: LocalUpstash
) -> None:
    session_id = process.game()
    process.instance.before_snapshot()
    before = upstash.connections
    process.instance.after_restore()
    for _ in range(2):
        answer = process.request(read.handler, "GET", f"/v1/sessions/{session_id}")
        assert answer.status == 200
    assert upstash.connections - before == 1


def test_an_instance_is_restored_though_the_store_is_away(
    process: Process, store_clock: ShiftedClock, upstash: LocalUpstash
) -> None:
    process.game()
    process.instance.before_snapshot()
    upstash.stop()
    process.instance.after_restore()
    away = process.request(time_endpoint.handler, "GET", "/v1/time")
    assert (away.status, away.json["error"]["code"]) == (503, "STORE_UNAVAILABLE")
    upstash.start()
    assert_time_is_right(process, store_clock)


def test_a_restored_instance_has_other_credentials(
    process: Process, container_credentials: RecordingAws
) -> None:
    process.game()
    before = {request.key_id for request in container_credentials.kept}
    container_credentials.kept.clear()
    process.instance.before_snapshot()
    process.instance.after_restore()
    process.game()
    after = {request.key_id for request in container_credentials.kept}
    assert (before, after) == ({"key-1"}, {"key-2"})

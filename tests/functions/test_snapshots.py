"""An instance restored from a snapshot has a new clock measurement, connections, credentials."""

import time

from functions.service import time as time_endpoint
from functions.sessions import read
from infra.local.upstash import LocalUpstash
from tests.functions.lambda_process import LambdaProcess
from tests.functions.recording_aws import RecordingAws
from tests.support.shifted_clock import ShiftedClock

_HOUR_S = 3_600
_ROUNDING_MS = 2


def assert_time_is_right(process: LambdaProcess, store_clock: ShiftedClock) -> None:
    """Compare `/v1/time` with the clock, within the error of the clock measurement."""
    before = time.time() * 1000 + store_clock.ahead_s * 1000
    answer = process.request(time_endpoint.handler, "GET", "/v1/time")
    after = time.time() * 1000 + store_clock.ahead_s * 1000
    error = process.instance.backend.clock.error_ms + _ROUNDING_MS
    assert before - error <= answer.json["timestamp_ms"] <= after + error
    assert error < 60_000


def test_a_restored_instance_has_the_current_time(
    process: LambdaProcess, store_clock: ShiftedClock, upstash: LocalUpstash
) -> None:
    assert_time_is_right(process, store_clock)
    process.instance.before_snapshot()
    store_clock.ahead_s = _HOUR_S
    process.instance.after_restore()
    upstash.requests.clear()
    assert_time_is_right(process, store_clock)
    assert len(upstash.requests) == 0


def test_a_restored_instance_opens_one_new_connection(
    process: LambdaProcess, upstash: LocalUpstash
) -> None:
    session_id = process.create_started_session()
    process.instance.before_snapshot()
    before = upstash.connections
    process.instance.after_restore()
    for _ in range(2):
        answer = process.request(read.handler, "GET", f"/v1/sessions/{session_id}")
        assert answer.status == 200
    assert upstash.connections - before == 1


def test_an_instance_can_be_restored_while_the_store_is_unavailable(
    process: LambdaProcess, store_clock: ShiftedClock, upstash: LocalUpstash
) -> None:
    process.create_started_session()
    process.instance.before_snapshot()
    upstash.stop()
    process.instance.after_restore()
    unavailable = process.request(time_endpoint.handler, "GET", "/v1/time")
    assert (unavailable.status, unavailable.json["error"]["code"]) == (503, "STORE_UNAVAILABLE")
    upstash.start()
    assert_time_is_right(process, store_clock)


def test_a_restored_instance_has_new_credentials(
    process: LambdaProcess, container_credentials: RecordingAws
) -> None:
    process.create_started_session()
    before = {request.key_id for request in container_credentials.requests}
    container_credentials.requests.clear()
    process.instance.before_snapshot()
    process.instance.after_restore()
    process.create_started_session()
    after = {request.key_id for request in container_credentials.requests}
    assert (before, after) == ({"key-1"}, {"key-2"})

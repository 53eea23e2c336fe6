"""Functions push to Supabase Realtime before they respond; a failed push fails no request."""

from collections.abc import Iterator
from dataclasses import astuple, replace
from typing import Any

import pytest
from redis import Redis

from functions.service import console
from functions.sessions import delete, read, switch
from functions.workers import audit, expire
from infra.local.supabase import PUBLISHABLE_KEY, SECRET_KEY
from infra.local.upstash import LocalUpstash
from shared.application import timeout
from shared.application.ports.session_store import Wakeup
from shared.aws.sqs import encode_alarm
from shared.composition import supabase_pushes
from shared.composition.supabase_pushes import AWAITED
from shared.realtime import supabase
from shared.realtime.supabase import PushTimeouts
from shared.realtime.token_bucket import TokenBucket
from shared.store.keys import StoreKeys
from tests.functions.inspection import Inspector
from tests.functions.lambda_process import LambdaProcess, fresh_process
from tests.functions.recording_aws import RecordingAws
from tests.support.broadcast_server import BroadcastServer
from tests.support.shifted_clock import ShiftedClock

_KEYS = StoreKeys()
_LONG_TIMEOUTS = PushTimeouts(queue_s=10, request_s=10, note_s=10)
_PROJECT = {"SUPABASE_SERVICE_ROLE_KEY": SECRET_KEY, "SUPABASE_PUBLISHABLE_KEY": PUBLISHABLE_KEY}


@pytest.fixture(scope="module")
def realtime_server() -> Iterator[BroadcastServer]:
    """Broadcast server shared by the tests of this module."""
    with BroadcastServer() as server:
        yield server


@pytest.fixture
def realtime(
    realtime_server: BroadcastServer, environment: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BroadcastServer]:
    """Working broadcast server without requests, set as the functions' Supabase project.

    It has no audit API. Pushes get more time than in production, because a test machine may be
    slow.
    """
    monkeypatch.setattr(supabase_pushes, "AWAITED", _LONG_TIMEOUTS)
    realtime_server.begin()
    for name, value in {"SUPABASE_URL": realtime_server.url, **_PROJECT}.items():
        monkeypatch.setenv(name, value)
    yield realtime_server
    realtime_server.release()


@pytest.fixture
def session_id(realtime: BroadcastServer) -> str:
    """Id of a running session that an earlier process created."""
    with fresh_process() as earlier:
        session_id = earlier.create_started_session()
    realtime.begin()
    return session_id


def switch_session(process: LambdaProcess, session_id: str) -> int:
    """Switch the session; return its new version."""
    answer = process.request(switch.handler, "POST", f"/v1/sessions/{session_id}/switch")
    assert answer.status == 200, answer.body
    return int(answer.json["data"]["version"])


def pending_pushes(redis: Redis) -> dict[str, float]:
    """Return the sessions with a pending push, each with its score."""
    found: Any = redis.zrange(_KEYS.pending_pushes(_KEYS.all_shards[0]), 0, -1, withscores=True)
    return {name.decode(): score for name, score in found}


def pushed_messages(realtime: BroadcastServer) -> list[list[tuple[str, int | None]]]:
    """Return the types and versions of the messages of each push."""
    return [sent.told for sent in realtime.sent]


def test_a_change_is_pushed_before_the_response(
    realtime: BroadcastServer, process: LambdaProcess
) -> None:
    session_id = process.create_started_session()
    switch_session(process, session_id)
    assert pushed_messages(realtime) == [[("STATE_UPDATE", version)] for version in (1, 2, 3)]
    process.request(delete.handler, "DELETE", f"/v1/sessions/{session_id}")
    assert pushed_messages(realtime)[3:] == [[("SESSION_DELETED", None)]]
    topics = {message["topic"] for sent in realtime.sent for message in sent.messages}
    assert topics == {f"session:{session_id}"}


def test_a_push_costs_no_round_trip_to_the_store(
    session_id: str, realtime: BroadcastServer, process: LambdaProcess, upstash: LocalUpstash
) -> None:
    for _ in range(2):
        upstash.requests.clear()
        switch_session(process, session_id)
        assert [request.path for request in upstash.requests] == ["/pipeline", "/"]
    assert len(realtime.sent) == 2


def test_a_read_pushes_nothing(
    session_id: str, realtime: BroadcastServer, process: LambdaProcess
) -> None:
    assert process.request(read.handler, "GET", f"/v1/sessions/{session_id}").status == 200
    assert realtime.sent == []


def test_an_expiry_is_pushed_with_the_resulting_state(
    session_id: str,
    realtime: BroadcastServer,
    process: LambdaProcess,
    inspector: Inspector,
    store_clock: ShiftedClock,
) -> None:
    alarm = encode_alarm(Wakeup(session_id, inspector.next_wakeup_at(session_id)))
    store_clock.ahead_s = 61
    assert process.deliver(expire.handler, alarm, alarm) == []
    assert pushed_messages(realtime) == [[("TIME_EXPIRED", None)], [("STATE_UPDATE", 3)]]


def test_connections_are_kept_from_one_invocation_to_the_next(
    session_id: str, realtime: BroadcastServer, process: LambdaProcess
) -> None:
    for _ in range(3):
        switch_session(process, session_id)
    assert len({sent.client_port for sent in realtime.sent}) == 1


@pytest.mark.parametrize("status", [401, 429, 500])
def test_a_failed_push_fails_no_request_is_recorded_and_triggers_the_worker(
    session_id: str,
    realtime: BroadcastServer,
    process: LambdaProcess,
    inspector: Inspector,
    upstash: LocalUpstash,
    redis: Redis,
    status: int,
) -> None:
    realtime.status = status
    upstash.requests.clear()
    before = len(inspector.audit_triggers)
    assert switch_session(process, session_id) == 3
    assert [request.path for request in upstash.requests] == ["/pipeline", "/", "/pipeline"]
    assert pending_pushes(redis).keys() == {session_id}
    (trigger,) = inspector.audit_triggers[before:]
    assert trigger.delay_s == 1


def test_a_change_succeeds_while_supabase_and_the_queues_hang(
    session_id: str,
    realtime: BroadcastServer,
    process: LambdaProcess,
    container_credentials: RecordingAws,
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = replace(_LONG_TIMEOUTS, request_s=AWAITED.request_s)
    monkeypatch.setattr(supabase_pushes, "AWAITED", limits)
    monkeypatch.setattr("shared.aws.sqs._TIMEOUT_S", 0.8)
    monkeypatch.setattr("shared.aws.sqs._TRIGGER_TIMEOUT_S", 0.25)
    container_credentials.is_hanging = True
    realtime.hold()
    assert switch_session(process, session_id) == 3
    assert pending_pushes(redis).keys() == {session_id}


def test_a_push_is_given_up_before_the_change_that_waits_for_it() -> None:
    assert sum(astuple(AWAITED)) < timeout._TIMEOUT_S


def test_a_change_succeeds_while_supabase_is_unreachable(
    session_id: str, realtime: BroadcastServer, process: LambdaProcess, redis: Redis
) -> None:
    realtime.stop()
    assert switch_session(process, session_id) == 3
    assert pending_pushes(redis).keys() == {session_id}


def test_the_audit_function_retries_a_push_even_if_the_audit_trail_fails(
    session_id: str, realtime: BroadcastServer, process: LambdaProcess, redis: Redis
) -> None:
    """The audit API answers 404 here, so the run fails, but only after the push."""
    realtime.status = 500
    assert (switch_session(process, session_id), switch_session(process, session_id)) == (3, 4)
    realtime.begin()
    with pytest.raises(Exception, match="audit"):
        process.run_scheduled(audit.handler)
    assert pushed_messages(realtime) == [[("STATE_SYNC", 4)]]
    assert pending_pushes(redis) == {}


def test_a_push_that_keeps_failing_is_left_to_the_next_run(
    session_id: str, realtime: BroadcastServer, process: LambdaProcess, redis: Redis
) -> None:
    realtime.status = 500
    switch_session(process, session_id)
    redis.zadd(_KEYS.pending_pushes(_KEYS.all_shards[0]), {session_id: 1024 + 3})
    with pytest.raises(Exception, match="audit"):
        process.run_scheduled(audit.handler)
    assert len(realtime.sent) == 2
    ((name, score),) = pending_pushes(redis).items()
    assert (name, score % 1024) == (session_id, 4)


def test_a_restored_instance_opens_a_new_connection_to_supabase(
    realtime: BroadcastServer, process: LambdaProcess
) -> None:
    session_id = process.create_started_session()
    process.instance.before_snapshot()
    process.instance.after_restore()
    switch_session(process, session_id)
    switch_session(process, session_id)
    ports = [sent.client_port for sent in realtime.sent]
    assert ports[0] == ports[1] != ports[2] == ports[3]


def test_no_more_is_pushed_than_the_rate_limit_allows(
    realtime: BroadcastServer, monkeypatch: pytest.MonkeyPatch, process: LambdaProcess, redis: Redis
) -> None:
    """The time of the rate limit stands still."""
    monkeypatch.setenv("REALTIME_RATE_LIMIT", "1")
    monkeypatch.setattr(supabase, "TokenBucket", lambda rate, **_: TokenBucket(rate, lambda: 0.0))
    monkeypatch.setattr(supabase_pushes, "AWAITED", replace(_LONG_TIMEOUTS, queue_s=0.1))
    session_id = process.create_started_session()
    assert pushed_messages(realtime) == [[("STATE_UPDATE", 1)]]
    assert pending_pushes(redis).keys() == {session_id}


def test_without_a_publishable_key_nothing_is_pushed(
    realtime: BroadcastServer, monkeypatch: pytest.MonkeyPatch, process: LambdaProcess
) -> None:
    monkeypatch.delenv("SUPABASE_PUBLISHABLE_KEY")
    process.create_started_session()
    assert realtime.sent == []
    assert process.instance.backend.pushes is None


def test_a_function_without_a_service_role_key_starts(
    realtime: BroadcastServer, monkeypatch: pytest.MonkeyPatch, process: LambdaProcess
) -> None:
    monkeypatch.delenv("SUPABASE_SERVICE_ROLE_KEY")
    assert process.request(console.handler, "GET", "/").status == 200

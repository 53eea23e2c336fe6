"""Cost of a request: round trips to the store, connections, and messages."""

import pytest
from redis import Redis
from redis.client import PubSub

from functions.service import api_keys
from functions.sessions import create, read, switch
from functions.workers import audit, reconcile
from infra.local.supabase import SECRET_KEY, LocalSupabase
from infra.local.upstash import LocalUpstash
from shared.application.ports.session_store import Wakeup
from tests.functions.inspection import Inspector
from tests.functions.lambda_process import LambdaProcess, fresh_process
from tests.functions.recording_aws import RecordingAws
from tests.support import tokens
from tests.support.tokens import bearer


def switch_session(process: LambdaProcess, session_id: str) -> None:
    answer = process.request(switch.handler, "POST", f"/v1/sessions/{session_id}/switch")
    assert answer.status == 200, answer.body


def read_session(process: LambdaProcess, session_id: str) -> None:
    answer = process.request(read.handler, "GET", f"/v1/sessions/{session_id}")
    assert answer.status == 200, answer.body


@pytest.fixture
def session_id(environment: None) -> str:
    """Id of a running session that an earlier process created."""
    with fresh_process() as earlier:
        return earlier.create_started_session()


def test_every_switch_takes_two_round_trips_even_the_first(
    session_id: str, process: LambdaProcess, upstash: LocalUpstash
) -> None:
    paths = []
    for _ in range(2):
        upstash.requests.clear()
        switch_session(process, session_id)
        paths.append([request.path for request in upstash.requests])
    assert paths == [["/pipeline", "/"]] * 2


def test_the_functions_of_each_minute_send_one_command_while_there_is_nothing_to_do(
    process: LambdaProcess, upstash: LocalUpstash
) -> None:
    for handler in (audit.handler, reconcile.handler):
        process.run_scheduled(handler)
        upstash.requests.clear()
        process.run_scheduled(handler)
        assert sum(len(request.commands) for request in upstash.requests) == 1


def test_a_lone_switch_takes_nine_commands_with_the_run_that_writes_it_to_the_trail(
    supabase: LocalSupabase,
    session_id: str,
    process: LambdaProcess,
    upstash: LocalUpstash,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SUPABASE_URL", supabase.url)
    monkeypatch.setenv("SUPABASE_SERVICE_ROLE_KEY", SECRET_KEY)
    switch_session(process, session_id)
    process.run_scheduled(audit.handler)
    upstash.requests.clear()
    switch_session(process, session_id)
    process.run_scheduled(audit.handler)
    names = [name.lower() for request in upstash.requests for name, *_ in request.commands]
    assert names == [
        *["eval", "eval", "hgetall", "time"],
        *["evalsha"],
        *["evalsha", "evalsha", "evalsha", "xlen"],
    ]


def test_every_read_takes_one_round_trip_even_the_first(
    session_id: str, process: LambdaProcess, upstash: LocalUpstash
) -> None:
    upstash.requests.clear()
    read_session(process, session_id)
    read_session(process, session_id)
    assert [request.path for request in upstash.requests] == ["/pipeline"] * 2


def test_a_script_missing_in_the_store_costs_one_more_round_trip_once(
    session_id: str, process: LambdaProcess, upstash: LocalUpstash, redis: Redis
) -> None:
    redis.script_flush()
    counts = []
    for _ in range(2):
        upstash.requests.clear()
        switch_session(process, session_id)
        counts.append(len(upstash.requests))
    assert counts == [3, 2]


def test_invocations_share_one_connection_and_one_loop(
    session_id: str, process: LambdaProcess, upstash: LocalUpstash
) -> None:
    before = upstash.connections
    read_session(process, session_id)
    loop = process.instance.loop
    switch_session(process, session_id)
    read_session(process, session_id)
    assert upstash.connections - before == 1
    assert process.instance.loop is loop


def test_a_connection_closed_while_idle_is_replaced(
    session_id: str, process: LambdaProcess, upstash: LocalUpstash
) -> None:
    read_session(process, session_id)
    before = upstash.connections
    upstash.stop()
    upstash.start()
    switch_session(process, session_id)
    assert upstash.connections - before == 1


@pytest.mark.parametrize(("pubsub", "published"), [("off", False), ("on", True)])
def test_changes_are_published_only_if_pubsub_is_on(
    monkeypatch: pytest.MonkeyPatch,
    process: LambdaProcess,
    redis: Redis,
    pubsub: str,
    published: bool,
) -> None:
    monkeypatch.setenv("PUBSUB", pubsub)
    with PubSub(redis.connection_pool) as listener:
        listener.psubscribe("*")
        switch_session(process, process.create_started_session())
        redis.publish("the-end", "")
        messages = listener.listen()  # type: ignore[no-untyped-call] # the library's own fault
        heard = next(m["channel"] for m in messages if m["type"] == "pmessage")
    assert (heard != b"the-end") is published


def test_an_alarm_is_sent_at_the_start_and_not_with_every_switch(
    process: LambdaProcess, inspector: Inspector
) -> None:
    session_id = process.create_started_session()
    ((alarm, _),) = inspector.alarms
    assert alarm == Wakeup(session_id, inspector.next_wakeup_at(session_id))
    switch_session(process, session_id)
    assert len(inspector.alarms) == 1


def test_the_audit_worker_is_triggered_only_when_the_outbox_was_empty(
    process: LambdaProcess, inspector: Inspector
) -> None:
    switch_session(process, process.create_started_session())
    assert len(inspector.audit_triggers) == 1


def test_a_change_succeeds_while_the_queues_hang(
    process: LambdaProcess,
    container_credentials: RecordingAws,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("shared.aws.sqs._TIMEOUT_S", 0.8)
    container_credentials.is_hanging = True
    answer = process.request(create.handler, "POST", "/v1/sessions", {"sync_mode": "count_up"})
    assert answer.status == 201, answer.body
    assert "SQS messages were not sent in time" in capsys.readouterr().err


def test_rate_limits_are_counted_in_the_round_trip_that_loads_the_session(
    session_id: str, process: LambdaProcess, upstash: LocalUpstash
) -> None:
    upstash.requests.clear()
    switch_session(process, session_id)
    read_session(process, session_id)
    command_names = [[name for name, *_ in request.commands] for request in upstash.requests]
    assert command_names == [
        ["eval", "eval", "hgetall", "time"],
        ["evalsha"],
        ["eval", "hgetall", "time"],
    ]


def test_without_rate_limits_nothing_is_counted(
    monkeypatch: pytest.MonkeyPatch, session_id: str, process: LambdaProcess, upstash: LocalUpstash
) -> None:
    for name in ("RATE_LIMIT_GENERAL", "RATE_LIMIT_SERVICE", "RATE_LIMIT_SWITCH"):
        monkeypatch.setenv(name, "0")
    upstash.requests.clear()
    switch_session(process, session_id)
    command_names = [[name for name, *_ in request.commands] for request in upstash.requests]
    assert command_names == [["hgetall", "time"], ["evalsha"]]


def test_a_request_known_to_exceed_a_rate_limit_takes_no_round_trip(
    monkeypatch: pytest.MonkeyPatch, session_id: str, process: LambdaProcess, upstash: LocalUpstash
) -> None:
    monkeypatch.setenv("RATE_LIMIT_GENERAL", "2")  # used up by creating and starting the session
    upstash.requests.clear()
    path = f"/v1/sessions/{session_id}/switch"
    answers = [process.request(switch.handler, "POST", path) for _ in range(3)]
    assert [answer.status for answer in answers] == [429] * 3
    assert [request.path for request in upstash.requests] == ["/pipeline"]


def test_a_token_for_one_session_is_checked_in_the_round_trip_that_loads_it(
    monkeypatch: pytest.MonkeyPatch, session_id: str, process: LambdaProcess, upstash: LocalUpstash
) -> None:
    monkeypatch.setenv("JWT_SECRET", tokens.SECRET)
    upstash.requests.clear()
    headers = bearer(tokens.spectator(session_id))
    answer = process.request(read.handler, "GET", f"/v1/sessions/{session_id}", **headers)
    assert answer.status == 200, answer.body
    assert [[name for name, *_ in request.commands] for request in upstash.requests] == [
        ["eval", "hgetall", "hmget", "time"]
    ]


def test_an_api_key_takes_one_more_round_trip_every_two_seconds(
    monkeypatch: pytest.MonkeyPatch, session_id: str, process: LambdaProcess, upstash: LocalUpstash
) -> None:
    monkeypatch.setenv("JWT_SECRET", tokens.SECRET)
    monkeypatch.setattr("shared.auth.api_keys.FRESH_S", 600)
    body = {"name": "Match server", "role": "service"}
    headers = bearer(tokens.service())
    created = process.request(api_keys.handler, "POST", "/v1/api-keys", body, **headers)
    assert created.status == 201, created.body
    upstash.requests.clear()
    headers = bearer(created.json["data"]["key"])
    for _ in range(2):
        answer = process.request(read.handler, "GET", f"/v1/sessions/{session_id}", **headers)
        assert answer.status == 200, answer.body
    command_names = [[name for name, *_ in request.commands] for request in upstash.requests]
    reading = ["hgetall", "time"]
    assert command_names == [["evalsha"], ["eval"], reading, reading]

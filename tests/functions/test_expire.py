"""The alarm function: applies each timeout once and on time, for any delivery by the queue."""

import math
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from functions.sessions import cancel, create, delete, pause, switch
from functions.workers import expire
from infra.local.upstash import LocalUpstash
from shared.application.ports.session_store import Wakeup
from shared.application.ports.webhooks import Webhook
from shared.aws.sqs import encode_alarm
from shared.domain.session import Status
from shared.domain.units import Instant
from tests.functions.inspection import Inspector
from tests.functions.lambda_process import Handler, LambdaProcess
from tests.support.api import chess, participant
from tests.support.shifted_clock import ShiftedClock

_ENDS = {"type": "end_session"}


def create_overdue_session(
    process: LambdaProcess, inspector: Inspector, store_clock: ShiftedClock
) -> tuple[str, str]:
    """Create a session whose time has run out unnoticed; return its id and its alarm."""
    session_id = process.create_started_session(action_on_timeout=_ENDS)
    store_clock.ahead_s += 60
    return session_id, encode_alarm(Wakeup(session_id, inspector.next_wakeup_at(session_id)))


def test_an_alarm_applies_the_due_timeout(
    process: LambdaProcess, inspector: Inspector, store_clock: ShiftedClock
) -> None:
    session_id, alarm = create_overdue_session(process, inspector, store_clock)
    deadline = inspector.next_wakeup_at(session_id)
    assert process.deliver(expire.handler, alarm) == []
    session = inspector.session(session_id)
    assert (session.status, session.version) == (Status.EXPIRED, 3)
    assert session.session_completed_at == deadline


def test_an_alarm_delivered_twice_applies_the_timeout_once(
    process: LambdaProcess, inspector: Inspector, store_clock: ShiftedClock
) -> None:
    session_id, alarm = create_overdue_session(process, inspector, store_clock)
    assert process.deliver(expire.handler, alarm, alarm) == []
    assert process.deliver(expire.handler, alarm) == []
    assert inspector.session(session_id).version == 3


def test_an_invalid_message_fails_alone_in_its_batch(
    process: LambdaProcess, inspector: Inspector, store_clock: ShiftedClock
) -> None:
    first, alarm = create_overdue_session(process, inspector, store_clock)
    second, other = create_overdue_session(process, inspector, store_clock)
    assert process.deliver(expire.handler, alarm, "no alarm at all", other) == [1]
    assert {inspector.session(session_id).status for session_id in (first, second)} == {
        Status.EXPIRED
    }


def test_every_message_fails_while_the_store_is_unavailable(
    process: LambdaProcess, inspector: Inspector, store_clock: ShiftedClock, upstash: LocalUpstash
) -> None:
    session_id, alarm = create_overdue_session(process, inspector, store_clock)
    _, other = create_overdue_session(process, inspector, store_clock)
    upstash.stop()
    assert process.deliver(expire.handler, alarm, other) == [0, 1]
    upstash.start()
    assert process.deliver(expire.handler, alarm, other) == []
    assert inspector.session(session_id).status is Status.EXPIRED


@pytest.mark.parametrize("start", ["cold", "warm"])
def test_the_function_waits_until_the_exact_deadline(
    process: LambdaProcess, inspector: Inspector, upstash: LocalUpstash, start: str
) -> None:
    """It never applies it early. A busy machine may be late, so the limit is generous."""
    clocks = [participant(1_000), participant(1_000)]
    session_id = process.create_started_session(participants=clocks, action_on_timeout=_ENDS)
    deadline = inspector.next_wakeup_at(session_id)
    if start == "cold":
        process.close()
    upstash.requests.clear()
    assert process.deliver(expire.handler, encode_alarm(Wakeup(session_id, deadline))) == []
    assert 0 <= time.time() * 1000 - deadline < 10_000
    assert len(upstash.requests) <= 4
    assert inspector.session(session_id).status is Status.EXPIRED


@pytest.mark.parametrize("handler", [pause.handler, cancel.handler])
def test_an_alarm_of_a_paused_or_cancelled_session_does_nothing(
    process: LambdaProcess,
    inspector: Inspector,
    store_clock: ShiftedClock,
    upstash: LocalUpstash,
    handler: Handler,
) -> None:
    session_id = process.create_started_session(action_on_timeout=_ENDS)
    alarm = encode_alarm(Wakeup(session_id, inspector.next_wakeup_at(session_id)))
    verb = "pause" if handler is pause.handler else "cancel"
    answer = process.request(handler, "POST", f"/v1/sessions/{session_id}/{verb}")
    assert answer.status == 200, answer.body
    before, store_clock.ahead_s = inspector.session(session_id), 60
    inspector.clear_alarms()
    upstash.requests.clear()
    assert process.deliver(expire.handler, alarm) == []
    assert inspector.session(session_id) == before
    assert (inspector.alarms, len(upstash.requests)) == ([], 1)


@pytest.mark.parametrize("is_deleted", [True, False], ids=["deleted", "unknown"])
def test_an_alarm_of_a_deleted_or_unknown_session_does_nothing(
    process: LambdaProcess, inspector: Inspector, upstash: LocalUpstash, is_deleted: bool
) -> None:
    session_id = process.create_started_session() if is_deleted else str(uuid4())
    if is_deleted:
        answer = process.request(delete.handler, "DELETE", f"/v1/sessions/{session_id}")
        assert answer.status == 204, answer.body
    else:
        process.create_started_session()
    inspector.clear_alarms()
    upstash.requests.clear()
    alarm = encode_alarm(Wakeup(session_id, Instant(int(time.time() * 1000))))
    assert process.deliver(expire.handler, alarm) == []
    assert (inspector.alarms, len(upstash.requests)) == ([], 1)


def test_a_replaced_alarm_is_dropped(process: LambdaProcess, inspector: Inspector) -> None:
    session_id = process.create_started_session()
    before = inspector.session(session_id)
    inspector.clear_alarms()
    stale = Wakeup(session_id, Instant(inspector.next_wakeup_at(session_id) - 60_000))
    assert process.deliver(expire.handler, encode_alarm(stale)) == []
    assert inspector.session(session_id) == before
    assert inspector.alarms == []


def test_an_alarm_delivered_too_early_is_sent_again(
    process: LambdaProcess, inspector: Inspector
) -> None:
    twenty_minutes = [participant(20 * 60_000), participant(20 * 60_000)]
    session_id = process.create_started_session(participants=twenty_minutes)
    ((alarm, delay_s),) = inspector.alarms
    assert (alarm, delay_s) == (Wakeup(session_id, inspector.next_wakeup_at(session_id)), 900)
    inspector.clear_alarms()
    assert process.deliver(expire.handler, encode_alarm(alarm)) == []
    assert inspector.alarms == [(alarm, 900)]
    assert inspector.session(session_id).version == 2


def test_an_alarm_whose_deadline_has_moved_is_sent_for_the_new_deadline(
    process: LambdaProcess, inspector: Inspector, store_clock: ShiftedClock
) -> None:
    session_id = process.create_started_session()
    ((alarm, _),) = inspector.alarms
    store_clock.ahead_s = 30
    process.request(switch.handler, "POST", f"/v1/sessions/{session_id}/switch")
    assert inspector.next_wakeup_at(session_id) > alarm.at + 29_000
    inspector.clear_alarms()
    store_clock.ahead_s = math.ceil(alarm.at / 1000 - time.time())
    assert process.deliver(expire.handler, encode_alarm(alarm)) == []
    ((next_alarm, delay_s),) = inspector.alarms
    assert next_alarm == Wakeup(session_id, inspector.next_wakeup_at(session_id))
    assert 0 < delay_s <= 29
    store_clock.ahead_s += 31
    assert process.deliver(expire.handler, encode_alarm(next_alarm)) == []
    assert inspector.session(session_id).version == 4


def test_a_start_in_20_days_is_waited_for_by_alarm_after_alarm(
    process: LambdaProcess, inspector: Inspector, store_clock: ShiftedClock
) -> None:
    start_at = datetime.now(UTC) + timedelta(days=20)
    body = chess(start_at=start_at.isoformat(timespec="milliseconds"))
    created = process.request(create.handler, "POST", "/v1/sessions", body)
    session_id = str(created.json["data"]["session_id"])
    ((alarm, delay_s),) = inspector.alarms
    assert (alarm.at, delay_s) == (inspector.session(session_id).start_at, 900)
    for days in (0, 10, 19):
        store_clock.ahead_s = days * 86_400
        inspector.clear_alarms()
        assert process.deliver(expire.handler, encode_alarm(alarm)) == []
        assert inspector.alarms == [(alarm, 900)]
    store_clock.ahead_s = 20 * 86_400 + 7
    inspector.clear_alarms()
    assert process.deliver(expire.handler, encode_alarm(alarm)) == []
    session = inspector.session(session_id)
    assert (session.status, session.version) == (Status.RUNNING, 2)
    assert session.session_started_at == session.cycle_started_at == alarm.at
    ((next_alarm, _),) = inspector.alarms
    assert next_alarm.at == alarm.at + 60_000


@pytest.mark.parametrize(("event", "starts"), [("time.expired", True), ("cycle.switched", False)])
def test_an_expiry_starts_the_worker_of_webhooks_at_once_if_one_receives_it(
    process: LambdaProcess,
    inspector: Inspector,
    store_clock: ShiftedClock,
    event: str,
    starts: bool,
) -> None:
    webhook = Webhook("hook", "https://example.com", (event,), Instant(0), ())
    adding = process.instance.backend.webhooks.registry.add(None, webhook, 10)
    assert process.instance.loop.run_until_complete(adding)
    _, alarm = create_overdue_session(process, inspector, store_clock)
    before = len(inspector.audit_triggers)
    assert process.deliver(expire.handler, alarm) == []
    started = [message.delay_s for message in inspector.audit_triggers[before:]]
    assert started == ([0] if starts else [])

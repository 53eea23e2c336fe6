"""The alarm function: a session wakes at its instant, once, whatever the queue does."""

import math
import time
from uuid import uuid4

import pytest

from functions.sessions import cancel, delete, pause, switch
from functions.workers import expire
from infra.local.upstash import LocalUpstash
from shared.alarms.sqs import encode_alarm
from shared.domain.session import Status
from shared.domain.units import Instant
from shared.ports import Wakeup
from tests.functions.inspection import Story
from tests.functions.lambda_process import Handler, Process
from tests.support.api import participant
from tests.support.shifted_clock import ShiftedClock

_ENDS = {"type": "end_session"}


def at_its_deadline(process: Process, story: Story, store_clock: ShiftedClock) -> tuple[str, str]:
    """A game whose flag has just fallen, and its alarm; nobody has looked at it since."""
    session_id = process.game(action_on_timeout=_ENDS)
    store_clock.ahead_s += 60
    return session_id, encode_alarm(Wakeup(session_id, story.wakes_at(session_id)))


def test_an_alarm_does_what_is_due(
    process: Process, story: Story, store_clock: ShiftedClock
) -> None:
    session_id, alarm = at_its_deadline(process, story, store_clock)
    deadline = story.wakes_at(session_id)
    assert process.deliver(expire.handler, alarm) == []
    session = story.session(session_id)
    assert (session.status, session.version) == (Status.EXPIRED, 3)
    assert session.session_completed_at == deadline


def test_an_alarm_that_is_delivered_twice_does_it_once(
    process: Process, story: Story, store_clock: ShiftedClock
) -> None:
    session_id, alarm = at_its_deadline(process, story, store_clock)
    assert process.deliver(expire.handler, alarm, alarm) == []
    assert process.deliver(expire.handler, alarm) == []
    assert story.session(session_id).version == 3


def test_one_bad_message_of_three_fails_alone(
    process: Process, story: Story, store_clock: ShiftedClock
) -> None:
    first, alarm = at_its_deadline(process, story, store_clock)
    second, other = at_its_deadline(process, story, store_clock)
    assert process.deliver(expire.handler, alarm, "no alarm at all", other) == [1]
    assert {story.session(game).status for game in (first, second)} == {Status.EXPIRED}


def test_every_message_fails_while_the_store_is_away(
    process: Process, story: Story, store_clock: ShiftedClock, upstash: LocalUpstash
) -> None:
    session_id, alarm = at_its_deadline(process, story, store_clock)
    _, other = at_its_deadline(process, story, store_clock)
    upstash.stop()
    assert process.deliver(expire.handler, alarm, other) == [0, 1]
    upstash.start()
    assert process.deliver(expire.handler, alarm, other) == []
    assert story.session(session_id).status is Status.EXPIRED


@pytest.mark.parametrize("start", ["cold", "warm"])
def test_the_rest_of_the_time_is_slept_to_the_millisecond(
    process: Process, story: Story, upstash: LocalUpstash, start: str
) -> None:
    clocks = [participant(1_000), participant(1_000)]
    session_id = process.game(participants=clocks, action_on_timeout=_ENDS)
    deadline = story.wakes_at(session_id)
    if start == "cold":
        process.end()
    upstash.requests.clear()
    assert process.deliver(expire.handler, encode_alarm(Wakeup(session_id, deadline))) == []
    assert 0 <= time.time() * 1000 - deadline < 200
    assert len(upstash.requests) <= 4
    assert story.session(session_id).status is Status.EXPIRED


@pytest.mark.parametrize("handler", [pause.handler, cancel.handler])
def test_an_alarm_for_a_session_that_stands_still_does_nothing(
    process: Process,
    story: Story,
    store_clock: ShiftedClock,
    upstash: LocalUpstash,
    handler: Handler,
) -> None:
    session_id = process.game(action_on_timeout=_ENDS)
    alarm = encode_alarm(Wakeup(session_id, story.wakes_at(session_id)))
    verb = "pause" if handler is pause.handler else "cancel"
    answer = process.request(handler, "POST", f"/v1/sessions/{session_id}/{verb}")
    assert answer.status == 200, answer.body
    before, store_clock.ahead_s = story.session(session_id), 60
    story.forget_alarms()
    upstash.requests.clear()
    assert process.deliver(expire.handler, alarm) == []
    assert story.session(session_id) == before
    assert (story.alarms, len(upstash.requests)) == ([], 1)


@pytest.mark.parametrize("is_deleted", [True, False], ids=["deleted", "unknown"])
def test_an_alarm_for_a_session_that_is_gone_does_nothing(
    process: Process, story: Story, upstash: LocalUpstash, is_deleted: bool
) -> None:
    session_id = process.game() if is_deleted else str(uuid4())
    if is_deleted:
        answer = process.request(delete.handler, "DELETE", f"/v1/sessions/{session_id}")
        assert answer.status == 204, answer.body
    else:
        process.game()
    story.forget_alarms()
    upstash.requests.clear()
    alarm = encode_alarm(Wakeup(session_id, Instant(int(time.time() * 1000))))
    assert process.deliver(expire.handler, alarm) == []
    assert (story.alarms, len(upstash.requests)) == ([], 1)


def test_an_alarm_in_whose_place_another_was_set_is_dropped(process: Process, story: Story) -> None:
    session_id = process.game()
    before = story.session(session_id)
    story.forget_alarms()
    stale = Wakeup(session_id, Instant(story.wakes_at(session_id) - 60_000))
    assert process.deliver(expire.handler, encode_alarm(stale)) == []
    assert story.session(session_id) == before
    assert story.alarms == []


def test_an_alarm_that_comes_too_early_is_set_again(process: Process, story: Story) -> None:
    far = [participant(20 * 60_000), participant(20 * 60_000)]
    session_id = process.game(participants=far)
    ((alarm, delay_s),) = story.alarms
    assert (alarm, delay_s) == (Wakeup(session_id, story.wakes_at(session_id)), 900)
    story.forget_alarms()
    assert process.deliver(expire.handler, encode_alarm(alarm)) == []
    assert story.alarms == [(alarm, 900)]
    assert story.session(session_id).version == 2


def test_an_alarm_whose_deadline_has_moved_on_is_set_for_the_new_one(
    process: Process, story: Story, store_clock: ShiftedClock
) -> None:
    session_id = process.game()
    ((alarm, _),) = story.alarms
    store_clock.ahead_s = 30
    process.request(switch.handler, "POST", f"/v1/sessions/{session_id}/switch")
    assert story.wakes_at(session_id) > alarm.at + 29_000
    story.forget_alarms()
    store_clock.ahead_s = math.ceil(alarm.at / 1000 - time.time())
    assert process.deliver(expire.handler, encode_alarm(alarm)) == []
    ((following, delay_s),) = story.alarms
    assert following == Wakeup(session_id, story.wakes_at(session_id))
    assert 27 <= delay_s <= 29
    store_clock.ahead_s += 31
    assert process.deliver(expire.handler, encode_alarm(following)) == []
    assert story.session(session_id).version == 4

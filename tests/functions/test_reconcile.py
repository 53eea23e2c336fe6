"""The safety net: what no alarm has woken is woken within a minute."""

from functions.workers import reconcile
from shared.domain.session import Status
from shared.ports import Wakeup
from tests.functions.inspection import Story
from tests.functions.lambda_process import Process
from tests.support.shifted_clock import ShiftedClock

_ENDS = {"type": "end_session"}


def test_a_session_whose_alarm_was_lost_is_woken(
    process: Process, story: Story, store_clock: ShiftedClock
) -> None:
    games = [process.game(action_on_timeout=_ENDS) for _ in range(3)]
    deadlines = [story.wakes_at(game) for game in games]
    store_clock.ahead_s = 63
    process.fire(reconcile.handler)
    sessions = [story.session(game) for game in games]
    assert {(session.status, session.version) for session in sessions} == {(Status.EXPIRED, 3)}
    assert [session.session_completed_at for session in sessions] == deadlines


def test_a_session_that_is_hardly_overdue_is_left_to_its_alarm(
    process: Process, story: Story, store_clock: ShiftedClock
) -> None:
    game = process.game(action_on_timeout=_ENDS)
    store_clock.ahead_s = 61
    process.fire(reconcile.handler)
    assert story.session(game).version == 2
    store_clock.ahead_s = 63
    process.fire(reconcile.handler)
    assert story.session(game).version == 3


def test_a_session_that_is_woken_gets_its_next_alarm(
    process: Process, story: Story, store_clock: ShiftedClock
) -> None:
    game = process.game(action_on_timeout={"type": "skip_cycle"})
    story.forget_alarms()
    store_clock.ahead_s = 63
    process.fire(reconcile.handler)
    ((alarm, delay_s),) = story.alarms
    assert alarm == Wakeup(game, story.wakes_at(game))
    assert 54 <= delay_s <= 56
    assert story.session(game).version == 3


def test_two_runs_do_what_is_overdue_once(
    process: Process, story: Story, store_clock: ShiftedClock
) -> None:
    game = process.game(action_on_timeout={"type": "skip_cycle"})
    store_clock.ahead_s = 63
    process.fire(reconcile.handler)
    process.fire(reconcile.handler)
    assert story.session(game).version == 3


def test_more_are_overdue_than_are_claimed_at_once(
    process: Process, story: Story, store_clock: ShiftedClock
) -> None:
    game = process.game(action_on_timeout=_ENDS)
    original = story.copies(game, 150)
    store_clock.ahead_s = 63
    process.fire(reconcile.handler)
    assert {story.session(one).status for one in (game, *original)} == {Status.EXPIRED}

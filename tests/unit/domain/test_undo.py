"""Undo of the last switch: which time stays spent, and what is restored."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import commands as c
from shared.domain.errors import InvalidTransition, NothingToUndo, StaleVersion, UndoBlocked
from shared.domain.events import EventType
from shared.domain.session import Session, Status, SyncMode
from shared.domain.soft_close import SoftClose
from shared.domain.time_control import Overtime, StartOn, TimeControl
from shared.domain.timekeeping import at_time, move_anchor
from shared.domain.undo import UndoMode
from shared.domain.units import Instant, Millis
from shared.domain.values import replace
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    BLUE,
    CLEO,
    RED,
    Play,
    agenda,
    chess,
    exam,
    item,
    on_timeout,
    open_session,
    play,
    poker,
    race,
    seat,
    teams,
)
from tests.unit.domain.test_time_control_properties import History, histories, play_turn

TURN_START, BEFORE_SWITCH, AS_IF_NEVER = UndoMode


def timed(control: TimeControl | None, *banks: int) -> Play:
    """A game of Anna and Ben with these banks."""
    seats = map(seat, (ANNA, BEN), banks)
    return play(open_session(SyncMode.PER_PARTICIPANT, *seats, time_control=control))


def undone(position: Play, mode: UndoMode, at: int, **more: Any) -> Play:
    return position.do(c.Undo(mode, **more), at)


def clocks(position: Play, at: int) -> tuple[int | None, int | None]:
    return position.clock(ANNA, at), position.clock(BEN, at)


def test_the_turn_begins_again_with_both_clocks_as_they_were() -> None:
    """Issue 135 of lila: two players with a minute each must not end with 6 s and a minute."""
    position = play(chess(60_000)).start().switch(at=0).switch(at=1_000)
    assert clocks(position, 55_000) == (6_000, 59_000)
    position = undone(position, TURN_START, 55_000)
    assert (position.active, clocks(position, 55_000)) == (BEN, (60_000, 60_000))


def test_the_clock_returns_to_the_start_of_the_turn_however_long_the_other_one_waited() -> None:
    """Issue 12404 of lila: 90 s at the start of the turn are 90 s again, as intended there."""
    position = play(chess(90_000)).start().switch(at=40_000)
    assert clocks(undone(position, TURN_START, 90_000), 90_000) == (90_000, 90_000)
    assert clocks(undone(position, BEFORE_SWITCH, 90_000), 90_000) == (50_000, 90_000)
    assert clocks(undone(position, AS_IF_NEVER, 70_000), 70_000) == (20_000, 90_000)


def test_the_clock_runs_after_an_undo() -> None:
    """Issue 14796 of lila: the clock of the player whose turn it is again stood still."""
    position = undone(play(chess(60_000)).start().switch(at=5_000), TURN_START, 8_000)
    assert (position.status, position.active, position.deadline) == (Status.RUNNING, ANNA, 68_000)


def test_an_increment_is_taken_back_with_its_switch() -> None:
    position = play(chess(60_000, increment=2_000)).start().switch(at=5_000)
    assert clocks(position, 5_000) == (57_000, 60_000)
    assert clocks(undone(position, BEFORE_SWITCH, 9_000), 9_000) == (55_000, 60_000)


def test_as_if_the_switch_had_not_been_a_flag_may_fall_at_its_own_instant() -> None:
    position = undone(play(chess(60_000)).start().switch(at=50_000), AS_IF_NEVER, 70_000)
    assert position.until(70_000).expired_at == [(60_000, ANNA)]


def test_a_switch_that_a_timeout_made_is_undone_too() -> None:
    session = chess(10_000, action_on_timeout=on_timeout("skip_cycle"))
    position = undone(play(session).start().until(12_000), TURN_START, 12_000)
    assert (position.active, clocks(position, 12_000)) == (ANNA, (10_000, 10_000))


def test_counters_and_the_version_tell_of_the_undo() -> None:
    position = play(chess(60_000)).start().switch(at=1_000).switch(at=2_000)
    after = undone(position, BEFORE_SWITCH, 3_000, reason="illegal move")
    assert (after.session.version, after.session.cycle_number) == (5, 2)
    assert [p.cycle_count for p in after.session.participants] == [1, 0]
    change = after.last_change
    assert change.type is EventType.SWITCH_UNDONE
    assert change.side.participant_id == BEN
    assert change.metadata == {"mode": "before_switch", "reason": "illegal move"}


def test_eight_switches_can_be_undone_one_after_the_other() -> None:
    position = play(chess(60_000)).start()
    for turn in range(1, 11):
        position = position.switch(at=turn * 1_000)
    for _ in range(8):
        position = undone(position, TURN_START, 11_000)
    assert clocks(position, 11_000) == (59_000, 59_000)
    with pytest.raises(NothingToUndo):
        undone(position, TURN_START, 11_000)


@pytest.mark.parametrize("mode", [TURN_START, BEFORE_SWITCH])
def test_an_undo_does_not_lose_a_pause_or_a_correction(mode: UndoMode) -> None:
    position = play(chess(60_000)).start().switch(at=1_000)
    for corrected in (
        position.pause(at=2_000).resume(at=3_000),
        position.adjust(BEN, 30_000, at=2_000),
        position.join(seat("cleo", 5_000), at=2_000),
    ):
        with pytest.raises(UndoBlocked):
            undone(corrected, mode, 4_000)


def test_a_correction_before_the_switch_blocks_only_the_return_to_the_start_of_the_turn() -> None:
    position = play(chess(60_000)).start().adjust(ANNA, 30_000, at=1_000).switch(at=2_000)
    with pytest.raises(UndoBlocked):
        undone(position, TURN_START, 3_000)
    assert clocks(undone(position, BEFORE_SWITCH, 3_000), 3_000) == (29_000, 60_000)


def test_as_if_never_keeps_time_that_was_given_since() -> None:
    position = play(chess(60_000)).start().switch(at=10_000).until(15_000)
    position = position.adjust(ANNA, 50_000 + 7_000, at=15_000)
    position = position.adjust(BEN, 55_000 + 2_000, at=15_000)
    assert clocks(undone(position, AS_IF_NEVER, 20_000), 20_000) == (47_000, 62_000)


def test_as_if_never_keeps_a_pause() -> None:
    position = play(chess(60_000)).start().switch(at=10_000).pause(at=15_000)
    after = undone(position, AS_IF_NEVER, 99_000)
    assert (after.status, clocks(after, 99_000)) == (Status.PAUSED, (45_000, 60_000))
    assert after.resume(at=100_000).deadline == 145_000


def test_as_if_never_counts_the_time_in_which_the_other_clock_stood_at_zero() -> None:
    game = undone(play(chess(60_000, 5_000)).start().switch(at=1_000), AS_IF_NEVER, 30_000)
    assert (clocks(game, 30_000), game.deadline) == ((30_000, 5_000), 60_000)


def test_a_first_turn_that_went_on_for_too_long_cancels_the_session() -> None:
    control = TimeControl(start_on=StartOn.FIRST_TURN, first_turn_within_ms=Millis(20_000))
    game = undone(timed(control, 60_000, 5_000).start().switch(at=1_000), AS_IF_NEVER, 30_000)
    game = game.until(30_000)
    assert (game.status, game.session.session_completed_at) == (Status.CANCELLED, 20_000)


def test_as_if_never_leaves_the_session_clock_after_both_cycles_reached_zero() -> None:
    questions = play(exam(600_000, 60_000)).start()
    undone_at = undone(questions.switch(at=10_000), AS_IF_NEVER, 110_000).until(110_000)
    assert undone_at.expired_at == [(70_000, BEN), (60_000, ANNA)]
    assert undone_at.shown(110_000).session_clock == questions.shown(110_000).session_clock


@pytest.mark.parametrize(
    ("control", "bank", "left"),
    [(None, 1_000, 11_000), (TimeControl(overtime=Overtime(Millis(30_000), 3)), 0, 100_000)],
)
def test_as_if_never_keeps_a_gift_without_which_the_clock_would_have_run_out(
    control: TimeControl | None, bank: int, left: int
) -> None:
    game = timed(control, 60_000, bank).start().switch(at=1_000).give(BEN, add=10_000, at=1_500)
    assert undone(game, AS_IF_NEVER, 6_000).clock(BEN, 6_000) == left


@pytest.mark.parametrize("waited", [3_000, 70_000])
@pytest.mark.parametrize("periods", [0, 2, 9])
@pytest.mark.parametrize(("who", "index"), [(ANNA, 0), (BEN, 1)])
def test_as_if_never_keeps_overtime_periods_that_were_set_since(
    who: str, index: int, periods: int, waited: int
) -> None:
    control = TimeControl(overtime=Overtime(period_ms=Millis(30_000), periods=9))
    game = timed(control, 100_000, 100_000).start().switch(at=1_000)
    game = game.do(c.AdjustTime(who, overtime_periods=periods), 2_000)
    banks = [100_000 - waited, 100_000]
    totals = [bank + 270_000 for bank in banks]
    totals[index] = banks[index] + periods * 30_000
    assert clocks(undone(game, AS_IF_NEVER, waited), waited) == tuple(totals)


def test_as_if_never_keeps_periods_that_were_set_while_one_ran() -> None:
    control = TimeControl(overtime=Overtime(period_ms=Millis(30_000), periods=9))
    game = timed(control, 100_000, 0).start().switch(at=1_000)
    game = game.do(c.AdjustTime(BEN, overtime_periods=2), 2_000)
    assert clocks(undone(game, AS_IF_NEVER, 41_000), 41_000) == (59_000 + 270_000, 60_000)


def test_as_if_never_in_per_cycle_keeps_what_all_were_given() -> None:
    hand = play(poker(30_000)).start().switch(at=5_000).give(add=60_000, at=6_000)
    after = undone(hand, AS_IF_NEVER, 8_000)
    assert [after.clock(who, 8_000) for who in (ANNA, BEN, CLEO)] == [82_000, 90_000, 90_000]
    after = after.switch(at=9_000)
    assert [after.clock(who, 9_000) for who in (ANNA, BEN, CLEO)] == [30_000, 90_000, 90_000]


def test_as_if_never_in_per_cycle_keeps_the_clock_that_was_set() -> None:
    """Ben got 61 s more than he had, so his next cycle is that much longer."""
    hand = play(poker(30_000)).start().switch(at=5_000).adjust(BEN, 90_000, at=6_000)
    after = undone(hand, AS_IF_NEVER, 8_000)
    assert clocks(after, 8_000) == (22_000, 91_000)


def test_as_if_never_in_per_cycle_keeps_a_gift_to_the_one_who_goes_on() -> None:
    alone = play(poker(30_000, players=1)).start().switch(at=5_000).give(add=9_000, at=6_000)
    assert undone(alone, AS_IF_NEVER, 8_000).clock(ANNA, 8_000) == 31_000
    banks = open_session(SyncMode.PER_CYCLE, seat(ANNA, 30_000), seat(BEN, 40_000))
    hand = play(banks).start().switch(at=5_000).adjust(ANNA, 35_000, at=6_000)
    assert clocks(undone(hand, AS_IF_NEVER, 8_000), 8_000) == (27_000, 40_000)


def test_as_if_never_in_global_keeps_a_gift_to_the_cycle() -> None:
    quiz = play(exam(None, 60_000)).start().switch(at=5_000).give(add=60_000, at=6_000)
    assert undone(quiz, AS_IF_NEVER, 8_000).remaining(8_000) == 112_000
    debate = play(agenda(item("pro", 60_000), item("contra", 20_000))).start().switch(at=5_000)
    after = undone(debate.give(add=9_000, at=6_000), AS_IF_NEVER, 8_000)
    assert after.remaining(8_000) == 61_000


@pytest.mark.parametrize(
    ("mode", "left"),
    [
        (TURN_START, (60_000, 60_000)),
        (BEFORE_SWITCH, (50_000, 70_000)),
        (AS_IF_NEVER, (45_000, 75_000)),
    ],
)
def test_the_opponent_in_an_hourglass_loses_what_the_same_side_used(
    mode: UndoMode, left: tuple[int, int]
) -> None:
    game = timed(TimeControl(hourglass=True), 60_000, 60_000).start().switch(ANNA, at=10_000)
    assert clocks(undone(game, mode, 15_000), 15_000) == left


@pytest.mark.parametrize("named", [None, BEN])
def test_the_opponent_in_an_hourglass_without_time_loses_none(named: str | None) -> None:
    game = timed(TimeControl(hourglass=True), 60_000, 10_000).start().switch(at=10_000)
    game = game.switch(at=31_000).switch(named, at=36_000)
    after = undone(game, TURN_START, 37_000)
    assert (after.active, clocks(after, 37_000)) == (ANNA, (70_000, 0))
    assert [p.bank_ms for p in after.session.participants] == [70_000, 0]


def test_the_wait_for_the_first_turn_begins_again() -> None:
    control = TimeControl(start_on=StartOn.FIRST_TURN, first_turn_within_ms=Millis(30_000))
    game = undone(timed(control, 60_000, 60_000).start().switch(at=29_000), TURN_START, 60_000)
    assert game.until(89_999).status is Status.RUNNING
    assert game.until(90_000).status is Status.CANCELLED


def test_a_pause_that_brings_the_end_nearer_is_no_correction() -> None:
    rule = SoftClose(Millis(5_000), by_ms=Millis(5_000))
    auction = exam(14_000, players=0, ends_at=Instant(22_000), extend_on_switch=rule)
    bid = play(auction).start().switch(at=10_000).pause(at=11_000).resume(at=18_000)
    after = undone(bid, AS_IF_NEVER, 19_000).until(19_000)
    assert (after.status, after.remaining(19_000), after.deadline) == (
        Status.RUNNING,
        2_000,
        21_000,
    )


def test_as_if_never_is_refused_if_the_clock_would_have_run_out_before_or_after_a_pause() -> None:
    game = play(chess(10_000, 600_000)).start().switch(at=1_000).pause(at=5_000)
    paused, resumed = game.resume(at=50_000), game.resume(at=50_000)
    assert clocks(undone(paused, AS_IF_NEVER, 54_999), 54_999) == (1, 600_000)
    with pytest.raises(UndoBlocked, match="before or after a pause"):
        undone(resumed, AS_IF_NEVER, 55_000)
    corrected = play(chess(10_000, 600_000)).start().switch(at=1_000).give(BEN, add=5, at=5_000)
    assert undone(corrected, AS_IF_NEVER, 55_000).until(55_000).expired_at == [(10_000, ANNA)]


def test_a_pause_before_the_switch_does_not_refuse_a_flag_since() -> None:
    game = play(chess(10_000, 600_000)).start().pause(at=1_000).resume(at=2_000).switch(at=3_000)
    assert undone(game, AS_IF_NEVER, 55_000).until(55_000).expired_at == [(11_000, ANNA)]


@pytest.mark.parametrize("within", [None, 30_000])
def test_the_first_turn_of_a_paused_session_can_have_gone_on(within: Millis | None) -> None:
    control = TimeControl(start_on=StartOn.FIRST_TURN, first_turn_within_ms=within)
    game = timed(control, 10_000, 60_000).start().switch(at=1_000).pause(at=16_000)
    after = undone(game, AS_IF_NEVER, 17_000)
    assert (after.status, clocks(after, 17_000)) == (Status.PAUSED, (10_000, 60_000))
    assert after.session.start_left_ms == (within and within - 16_000)


def test_the_wait_for_the_first_turn_is_not_passed_in_a_pause() -> None:
    control = TimeControl(start_on=StartOn.FIRST_TURN, first_turn_within_ms=Millis(15_000))
    game = timed(control, 60_000, 60_000).start().switch(at=1_000).pause(at=16_000)
    with pytest.raises(UndoBlocked):
        undone(game, AS_IF_NEVER, 17_000)


@pytest.mark.parametrize("is_paused", [False, True])
def test_a_participant_who_joined_since_stays_active_and_has_used_its_own_time(
    is_paused: bool,
) -> None:
    laps = play(race(None, 0)).start().switch(at=1_000).join(seat(ANNA), at=100_000)
    laps = laps.pause(at=110_000) if is_paused else laps
    after = undone(laps, AS_IF_NEVER, 110_000)
    assert (after.active, after.used(ANNA, 110_000)) == (ANNA, 10_000)
    assert at_time(after.session, Instant(110_000)).used_ms == 110_000


def test_a_participant_who_joined_since_has_not_used_less_than_nothing() -> None:
    quiz = play(exam(None, 60_000, players=0)).start().switch(at=50_000)
    after = undone(quiz.join(seat(ANNA), at=100_000), AS_IF_NEVER, 105_000)
    assert after.used(ANNA, 105_000) >= 0
    assert (
        min(step.session.participants[0].used_ms for step in after.until(105_000).steps[-2:]) >= 0
    )


@pytest.mark.parametrize(("who", "left"), [(ANNA, [0, 60_000, 60_000]), (BEN, [53_000, 0, 60_000])])
def test_as_if_never_keeps_a_forfeit(who: str, left: list[int]) -> None:
    game = play(chess(60_000, 60_000, 60_000)).start().switch(at=1_000).forfeit(who, at=6_000)
    after = undone(game, AS_IF_NEVER, 7_000)
    assert [after.clock(name, 7_000) for name in (ANNA, BEN, CLEO)] == left


def test_a_session_that_was_stored_before_is_read_and_a_new_one_is_not_larger() -> None:
    game = play(chess(60_000)).start().adjust(ANNA, 30_000, at=1_000).switch(at=2_000)
    stored = msgspec.json.decode(msgspec.json.encode(game.session))
    assert not {"cycle_idle_ms", "is_adjusted", "is_corrected"} & set(stored)
    rest = stored["switches"][0][-1]
    assert rest.pop("was_adjusted") is True
    rest["was_corrected"] = stored["is_corrected"] = True
    earlier = play(msgspec.json.decode(msgspec.json.encode(stored), type=Session))
    for mode in (TURN_START, BEFORE_SWITCH):
        with pytest.raises(UndoBlocked):
            undone(earlier, mode, 3_000)
    assert clocks(undone(earlier, AS_IF_NEVER, 3_000), 3_000) == (28_000, 60_000)


def test_only_the_named_version_is_undone() -> None:
    position = play(chess(60_000)).start().switch(at=1_000)
    with pytest.raises(StaleVersion) as refused:
        undone(position, TURN_START, 2_000, if_version=2)
    assert (refused.value.expected, refused.value.actual) == (2, 3)
    assert undone(position, TURN_START, 2_000, if_version=3).active == ANNA


@pytest.mark.parametrize("ended", [chess(60_000), play(chess(60_000)).start().cancel(at=1).session])
def test_an_end_cannot_be_undone(ended: Session) -> None:
    with pytest.raises(InvalidTransition, match="no turn to go back to"):
        undone(play(ended), TURN_START, 10)


OTHER_MODES = {
    "per_cycle": poker(30_000),
    "per_group": teams(30_000, RED, BLUE, RED),
    "global": exam(600_000, 60_000),
    "global without participants": exam(600_000, 60_000, players=0),
    "count_up": race(600_000),
    "delay": open_session(
        SyncMode.PER_PARTICIPANT,
        seat(ANNA, 60_000),
        seat(BEN, 60_000),
        time_control=TimeControl(delay_ms=Millis(3_000)),
    ),
    "hourglass": open_session(
        SyncMode.PER_PARTICIPANT,
        seat(ANNA, 60_000),
        seat(BEN, 60_000),
        time_control=TimeControl(hourglass=True),
    ),
    "canadian": open_session(
        SyncMode.PER_PARTICIPANT,
        seat(ANNA, 1_000),
        seat(BEN, 60_000),
        time_control=TimeControl(overtime=Overtime(period_ms=Millis(50_000), turns=3)),
    ),
}


def comparable(session: Session) -> Session:
    """The session without what an undo changes: version, anchor, and the kept switches."""
    return replace(
        session,
        version=0,
        updated_at=Instant(0),
        cycle_started_at=session.cycle_started_at and Instant(0),
        switches=(),
        warned=None,
        is_corrected=False,
        is_adjusted=False,
    )


@pytest.mark.parametrize("session", OTHER_MODES.values(), ids=OTHER_MODES.keys())
def test_every_mode_is_restored_whole(session: Session) -> None:
    started = play(session).start().switch(at=2_000)
    before = started.until(9_000)
    switched = before.switch(at=9_000).until(12_000)
    at_start = comparable(started.session)
    just_before = comparable(move_anchor(before.session, Instant(9_000)))
    assert comparable(undone(switched, TURN_START, 12_000).session) == at_start
    assert comparable(undone(switched, BEFORE_SWITCH, 12_000).session) == just_before
    never = at_time(before.until(12_000).session, Instant(12_000))
    after = at_time(undone(switched, AS_IF_NEVER, 12_000).until(12_000).session, Instant(12_000))
    assert comparable(after) == comparable(never)


@given(histories(), st.integers(0, 20_000))
def test_before_switch_equals_the_replay_of_the_version_before(
    history: History, waited: int
) -> None:
    position, now = play(history.session).start(), 0
    for spent, paused in history.turns:
        before, began = position, now
        position, now = play_turn(before, now, spent, paused=paused)
        if position.status is not Status.RUNNING:
            return
        later = position.until(now + waited)
        if later.expiries or later.status is not Status.RUNNING:
            continue
        restored = undone(later, BEFORE_SWITCH, now + waited).session
        settled = [
            s.session for s in position.steps if s.session.version < position.session.version
        ]
        replayed = settled[-1] if settled else before.session
        assert comparable(restored) == comparable(move_anchor(replayed, Instant(now)))
        if not paused:
            again = undone(later, TURN_START, now + waited).session
            assert comparable(again) == comparable(before.session)
            assert (again.cycle_started_at, began <= now) == (now + waited, True)

"""Overruns: with `overtime: true`, clocks count time below zero (docs/programmes.md)."""

from typing import Any

import msgspec
import pytest

from shared.application.session_view import encode_session_view
from shared.domain import commands as c
from shared.domain.clocks import ClockScope
from shared.domain.errors import RuleViolation
from shared.domain.lag import Lag
from shared.domain.session import MAX_OVERRUN, Session, Status, SyncMode
from shared.domain.time_control import Overtime, TimeControl
from shared.domain.timekeeping import next_wakeup, retention_ms
from shared.domain.units import DAY, Instant, Millis
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    BLUE,
    RED,
    Play,
    agenda,
    chess,
    exam,
    fields_of,
    item,
    on_timeout,
    open_session,
    play,
    poker,
    race,
    teams,
)

_FLOOR = -MAX_OVERRUN

EVERY_MODE = {
    "per_participant": chess(10_000, overtime=True),
    "per_cycle": poker(10_000, overtime=True),
    "per_group": teams(10_000, RED, BLUE, overtime=True),
    "global": exam(total=10_000, overtime=True),
    "global with cycles": exam(cycle=10_000, overtime=True),
    "count_up": race(10_000, overtime=True),
    "programme": agenda(item("talk", 10_000, "wait"), players=2, overtime=True),
}
"""In each, Anna begins with 10 s."""

every_mode = pytest.mark.parametrize("session", EVERY_MODE.values(), ids=EVERY_MODE)


def state(position: Play, at: int) -> dict[str, Any]:
    """The Session of the API at `at`, as clients get it."""
    shown = encode_session_view(position.until(at).session, Instant(at))
    parsed: dict[str, Any] = msgspec.json.decode(shown)
    return parsed


@every_mode
def test_the_flag_falls_at_zero_and_time_is_counted_on(session: Session) -> None:
    over = play(session).start().until(13_000)
    assert (over.status, [at for at, _ in over.expired_at]) == (Status.RUNNING, [10_000])
    shown = state(over, 13_000)
    assert (shown["time_remaining_ms"], shown["over_ms"], shown["deadline_at"]) == (0, 3_000, None)
    anna = shown["participants"][0]
    assert (anna["time_remaining_ms"], anna["over_ms"], anna["has_expired"]) == (0, 3_000, True)
    assert anna["time_used_ms"] == 13_000


@every_mode
def test_before_zero_nothing_is_over(session: Session) -> None:
    shown = state(play(session).start(), 9_999)
    assert (shown["time_remaining_ms"], shown["over_ms"], shown["overtime"]) == (1, 0, True)
    assert shown["participants"][0]["over_ms"] == 0


@every_mode
def test_the_wire_clock_runs_below_zero_down_to_its_floor(session: Session) -> None:
    running = play(session).start()
    expected = {"left_ms": 10_000, "rate": -1, "floor_ms": _FLOOR}
    shown = state(running, 0)
    assert (shown["clock"], shown["participants"][0]["clock"]) == (expected, expected)
    shown = state(running, 13_000)
    assert shown["clock"] == {**expected, "left_ms": -3_000}
    assert shown["elapsed_clock"] == {
        "left_ms": 13_000,
        "rate": 1,
        "ceiling_ms": 10_000 + MAX_OVERRUN,
    }
    shown = state(running, 20_000 + MAX_OVERRUN)
    assert shown["clock"] == {**expected, "left_ms": _FLOOR, "rate": 0}
    assert shown["over_ms"] == MAX_OVERRUN


@every_mode
def test_a_pause_stops_the_overrun_and_a_resume_goes_on_with_it(session: Session) -> None:
    paused = play(session).start().pause(at=13_000)
    shown = state(paused, 90_000)
    assert (shown["over_ms"], shown["clock"]["rate"]) == (3_000, 0)
    assert state(paused.resume(at=100_000), 102_000)["over_ms"] == 5_000


@every_mode
def test_thresholds_below_zero_warn_after_the_flag(session: Session) -> None:
    update = c.UpdateSession(warn_at_ms=(Millis(2_000), Millis(-1_000), Millis(-60_000)))
    warned = play(session).do(update, at=0).start().until(99_000)
    assert warned.warned_at == [(8_000, 2_000), (11_000, -1_000), (70_000, -60_000)]
    assert next_wakeup(warned.until(11_000).session) is None
    assert warned.session.version == 4


@every_mode
def test_a_session_is_kept_for_as_long_as_its_clock_may_run(session: Session) -> None:
    running = play(session).start()
    assert retention_ms(running.session) == 10_000 + MAX_OVERRUN + DAY
    assert retention_ms(running.until(10_000).session) == MAX_OVERRUN + DAY


@every_mode
def test_the_event_that_ends_an_overrun_says_how_long_it_was(session: Session) -> None:
    over = play(session).start()
    assert over.until(10_000).last_change.over_ms == 0
    paused = over.pause(at=13_000)
    assert (paused.last_change.over_ms, paused.last_change.time_remaining_ms) == (3_000, 0)
    assert over.complete(at=14_500).last_change.over_ms == 4_500


@every_mode
def test_time_that_is_added_counts_from_below_zero(session: Session) -> None:
    over = play(session).start().until(13_000)
    longer = over.give(add=5_000, at=13_000)
    assert longer.deadline == 15_000
    assert state(longer, 14_000)["time_remaining_ms"] == 1_000
    assert [at for at, _ in longer.until(20_000).expired_at] == [10_000, 15_000]
    less = over.give(add=1_000, at=13_000)
    assert (less.deadline, state(less, 14_000)["over_ms"]) == (None, 3_000)


@every_mode
def test_time_cannot_be_taken_from_a_clock_below_zero(session: Session) -> None:
    with pytest.raises(RuleViolation) as refused:
        play(session).start().give(add=-1_000, at=13_000)
    assert ("add_ms", "too_small") in fields_of(refused.value)


@every_mode
def test_setting_a_clock_ends_its_overrun(session: Session) -> None:
    again = play(session).start().adjust(ANNA, 4_000, at=13_000)
    assert (again.deadline, state(again, 13_000)["over_ms"]) == (17_000, 0)


def test_a_bank_below_zero_stays_so_in_later_turns() -> None:
    game = play(chess(10_000, overtime=True)).start().switch(at=13_000)
    assert game.active == BEN
    game = game.switch(at=14_000)
    assert game.active == ANNA
    assert state(game, 16_000)["participants"][0]["over_ms"] == 5_000
    assert state(game, 16_000)["participants"][1]["time_remaining_ms"] == 9_000


def test_an_increment_is_not_given_after_the_flag() -> None:
    game = play(chess(10_000, increment=2_000, overtime=True)).start().switch(at=13_000)
    assert state(game, 13_000)["participants"][0]["over_ms"] == 3_000


def test_a_game_goes_on_when_every_bank_is_used_up() -> None:
    game = play(chess(1_000, overtime=True)).start().switch(at=5_000).until(20_000)
    assert game.status is Status.RUNNING
    assert [one["over_ms"] for one in state(game, 20_000)["participants"]] == [4_000, 14_000]


def test_groups_below_zero_stay_in_the_rotation() -> None:
    match = play(teams(10_000, RED, BLUE, overtime=True)).start()
    assert match.turns(3, every=15_000) == [BEN, ANNA, BEN]
    groups = state(match.switch(at=13_000), 13_000)["groups"]
    assert [(group["over_ms"], group["total_time_ms"]) for group in groups] == [
        (3_000, 0),
        (0, 10_000),
    ]


def test_a_cycle_begins_with_a_full_clock_after_an_overrun() -> None:
    debate = play(poker(10_000, overtime=True)).start().switch(at=13_000)
    assert (debate.deadline, state(debate, 13_000)["over_ms"]) == (23_000, 0)
    assert debate.used(ANNA, 20_000) == 13_000


def test_a_session_clock_and_a_cycle_clock_count_below_zero_each_for_itself() -> None:
    both = play(exam(total=12_000, cycle=10_000, overtime=True)).start()
    shown = state(both, 11_000)
    assert (shown["cycle_clock"]["left_ms"], shown["session_clock"]["left_ms"]) == (-1_000, 1_000)
    assert (shown["time_remaining_ms"], shown["over_ms"]) == (1_000, 1_000)
    assert [at for at, _ in both.until(15_000).expired_at] == [10_000, 12_000]
    shown = state(both, 15_000)
    assert (shown["cycle_clock"]["left_ms"], shown["session_clock"]["left_ms"]) == (-5_000, -3_000)
    after = state(both.switch(at=15_000), 16_000)
    assert (after["cycle_clock"]["left_ms"], after["session_clock"]["left_ms"]) == (9_000, -4_000)


def test_a_session_is_kept_while_its_cycle_runs_although_its_own_clock_is_below_zero() -> None:
    over = play(exam(total=10_000, cycle=60_000, overtime=True)).start().pause(at=50_000)
    assert retention_ms(over.session) == 10_000 + MAX_OVERRUN + DAY


def test_a_long_session_clock_runs_on_when_the_cycle_clock_is_at_its_floor() -> None:
    both = play(exam(total=60_000, cycle=1_000, overtime=True)).start()
    both = both.do(c.AdjustClocks(c.ClockTarget(ClockScope.SESSION), set_ms=Millis(DAY)), at=0)
    both = both.give(add=DAY, at=0)
    shown = state(both, DAY + 10_000)
    assert shown["cycle_clock"] == {"left_ms": _FLOOR, "rate": 0, "floor_ms": _FLOOR}
    assert shown["session_clock"]["left_ms"] == DAY - 10_000
    assert both.deadline == 1_000
    assert both.until(3 * DAY).expired_at == [(1_000, ANNA), (2 * DAY, None)]


def test_an_item_counts_its_overrun_apart_and_the_next_one_begins_full() -> None:
    items = item("talk", 10_000, "wait"), item("vote", 5_000, "wait")
    meeting = play(agenda(*items, overtime=True)).start()
    shown = state(meeting, 13_000)
    assert [(one["used_ms"], one["over_ms"]) for one in shown["items"]] == [(10_000, 3_000), (0, 0)]
    assert shown["offset_ms"] == 3_000
    later = meeting.switch(at=13_000)
    assert later.last_change.over_ms == 3_000
    shown = state(later, 15_000)
    assert (shown["clock"]["left_ms"], shown["over_ms"], shown["offset_ms"]) == (3_000, 0, 3_000)


def test_only_an_item_that_waits_counts_below_zero() -> None:
    items = item("talk", 10_000), item("vote", 5_000, "wait")
    meeting = play(agenda(*items, overtime=True)).start()
    assert state(meeting, 0)["clock"] == {"left_ms": 10_000, "rate": -1}
    shown = state(meeting, 17_000)
    assert (shown["clock"]["left_ms"], shown["offset_ms"]) == (-2_000, 2_000)
    warned = play(agenda(*items, overtime=True, warn_at_ms=(-1_000,))).start().until(99_000)
    assert warned.warned_at == [(16_000, -1_000)]


@pytest.mark.parametrize(
    ("mode", "clock", "talk"),
    [
        ("turn_start", 10_000, (0, 0)),
        ("before_switch", -3_000, (10_000, 3_000)),
        ("as_if_never", -5_000, (10_000, 5_000)),
    ],
)
def test_undo_restores_an_overrun(mode: str, clock: int, talk: tuple[int, int]) -> None:
    items = item("talk", 10_000, "wait"), item("vote", 5_000, "wait")
    meeting = play(agenda(*items, overtime=True)).start().switch(at=13_000)
    shown = state(meeting.undo(mode, at=15_000), 15_000)
    assert shown["clock"]["left_ms"] == clock
    assert (shown["items"][0]["used_ms"], shown["items"][0]["over_ms"]) == talk
    assert shown["items"][1]["used_ms"] == 0


@pytest.mark.parametrize(
    ("mode", "anna"), [("turn_start", 10_000), ("before_switch", -3_000), ("as_if_never", -5_000)]
)
def test_undo_restores_a_bank_below_zero(mode: str, anna: int) -> None:
    game = play(chess(10_000, overtime=True)).start().switch(at=13_000)
    shown = state(game.undo(mode, at=15_000), 15_000)
    assert [one["clock"]["left_ms"] for one in shown["participants"]] == [anna, 10_000]


def test_a_paused_overrun_can_be_undone_as_if_the_switch_had_never_been() -> None:
    game = play(chess(10_000, overtime=True)).start().switch(at=13_000).pause(at=15_000)
    shown = state(game.undo("as_if_never", at=16_000), 16_000)
    assert shown["participants"][0]["over_ms"] == 5_000


@pytest.mark.parametrize(
    ("open_with", "field"),
    [
        (lambda: chess(9_000, overtime=True, auto_advance=True), "auto_advance"),
        (
            lambda: chess(9_000, overtime=True, action_on_timeout=on_timeout("end_session")),
            "action_on_timeout.type",
        ),
        (lambda: chess(9_000, overtime=True, lag=Lag()), "lag"),
        (lambda: race(overtime=True), "overtime"),
        (
            lambda: chess(9_000, overtime=True, time_control=TimeControl(hourglass=True)),
            "time_control.hourglass",
        ),
        (
            lambda: chess(
                9_000,
                overtime=True,
                time_control=TimeControl(overtime=Overtime(extra_ms=Millis(5_000))),
            ),
            "time_control.overtime",
        ),
    ],
)
def test_overtime_excludes_what_does_something_else_at_zero(open_with: Any, field: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        open_with()
    assert fields_of(refused.value) == [(field, "not_allowed")]


def test_a_participant_with_overtime_in_its_time_control_cannot_join_an_overrun_session() -> None:
    byo_yomi = TimeControl(overtime=Overtime(Millis(5_000), periods=2))
    newcomer = c.NewParticipant("cleo", total_time_ms=Millis(9_000), time_control=byo_yomi)
    with pytest.raises(RuleViolation) as refused:
        play(chess(9_000, overtime=True)).join(newcomer, at=0)
    assert fields_of(refused.value) == [("time_control.overtime", "not_allowed")]


def test_settings_that_contradict_overtime_cannot_be_set_later() -> None:
    skip = c.UpdateSession(action_on_timeout=on_timeout("skip_cycle"))
    with pytest.raises(RuleViolation) as refused:
        play(chess(9_000, overtime=True)).do(skip, at=0)
    assert fields_of(refused.value) == [("action_on_timeout.type", "not_allowed")]
    negative = c.UpdateSession(warn_at_ms=(Millis(-1_000),))
    with pytest.raises(RuleViolation) as below:
        play(chess(9_000)).do(negative, at=0)
    assert fields_of(below.value) == [("warn_at_ms.0", "too_small")]


def test_participants_are_optional_with_overtime() -> None:
    alone = play(open_session(SyncMode.GLOBAL, total_time_ms=10_000, overtime=True)).start()
    assert state(alone, 13_000)["over_ms"] == 3_000

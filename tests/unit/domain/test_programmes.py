"""Programmes: items that follow each other in `global` (docs/programmes.md)."""

from typing import Any

import pytest

from shared.domain.automatic_load import UNIT, automatic_load, check_load_limit
from shared.domain.errors import InvalidTransition, NothingToUndo, RuleViolation, UndoBlocked
from shared.domain.events import EventType, SessionChange
from shared.domain.session import Status, SyncMode
from shared.domain.timekeeping import next_wakeup, retention_ms
from shared.domain.units import DAY
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    Play,
    agenda,
    fields_of,
    item,
    on_timeout,
    open_session,
    play,
    seat,
)

OPENING, TALK, CLOSING = "opening", "talk", "closing"


def meeting(**options: Any) -> Play:
    """An opening of 10 s and a talk of 20 s that waits, then a closing of 5 s; started at 0."""
    items = item(OPENING, 10_000), item(TALK, 20_000, "wait"), item(CLOSING, 5_000)
    return play(agenda(*items, **options)).start()


def levels(repeat: int = 1, **options: Any) -> Play:
    """Three items of 10, 20 and 5 s that follow each other; started at 0."""
    items = item(OPENING, 10_000), item(TALK, 20_000), item(CLOSING, 5_000)
    return play(agenda(*items, repeat=repeat, **options)).start()


def running(position: Play, at: int) -> tuple[str | None, int | None, int | None]:
    """The id of the running item, its round, and the time left of it at `at`."""
    view = position.shown(at)
    return view.active_item_id, view.round, view.time_remaining_ms


def times(position: Play, at: int) -> list[tuple[int, int]]:
    """The used and the over time of each item at `at`."""
    return [(one.used_ms, one.over_ms) for one in position.shown(at).items or ()]


def offset(position: Play, at: int) -> int | None:
    return position.shown(at).offset_ms


def test_a_new_programme_shows_its_items_as_planned() -> None:
    view = play(agenda(item(OPENING, 10_000, title="Welcome"), repeat=3)).shown(5_000)
    assert view.items is not None
    assert [(one.title, one.planned_ms, one.used_ms) for one in view.items] == [
        ("Welcome", 30_000, 0)
    ]
    assert (view.active_item_id, view.round, view.repeat, view.offset_ms) == (None, 1, 3, 0)
    assert view.time_remaining_ms == 10_000


def test_an_item_that_ends_begins_the_next_one_at_the_same_instant() -> None:
    position = meeting()
    assert running(position, 9_999) == (OPENING, 1, 1)
    assert running(position, 10_000) == (TALK, 1, 20_000)
    after = position.until(10_000)
    assert after.session.cycle_started_at == 10_000
    assert after.last_change.type is EventType.TIME_EXPIRED
    assert after.last_change.metadata == {
        "status": "running",
        "next_participant_id": None,
        "item_id": TALK,
        "round": 1,
    }


@pytest.mark.parametrize("seen_at", [30_000, 34_999])
def test_several_ends_noticed_late_are_a_version_each_at_their_own_instant(seen_at: int) -> None:
    late = levels().until(seen_at)
    assert [change.occurred_at for change in late.expiries] == [10_000, 30_000]
    assert [change.session.version for change in late.expiries] == [3, 4]
    assert running(late, seen_at) == (CLOSING, 1, 35_000 - seen_at)


def test_an_item_that_waits_stands_at_zero_until_somebody_goes_on() -> None:
    waiting = meeting().until(95_000)
    assert running(waiting, 95_000) == (TALK, 1, 0)
    assert waiting.deadline is None
    assert [change.occurred_at for change in waiting.expiries] == [10_000, 30_000]
    assert waiting.session.status is Status.RUNNING
    assert running(waiting.switch(at=95_000), 95_000) == (CLOSING, 1, 5_000)


def test_without_overtime_the_time_of_waiting_is_not_counted() -> None:
    waiting = meeting().until(95_000)
    assert times(waiting, 95_000) == [(10_000, 0), (20_000, 0), (0, 0)]
    assert offset(waiting, 95_000) == 0


def test_a_switch_begins_the_next_item_now() -> None:
    early = meeting().switch(at=4_000)
    assert running(early, 4_000) == (TALK, 1, 20_000)
    assert times(early, 4_000) == [(4_000, 0), (0, 0), (0, 0)]
    assert offset(early, 4_000) == -6_000
    assert early.last_change.metadata == {
        "next_participant_id": None,
        "item_id": TALK,
        "round": 1,
    }


def test_the_session_expires_with_its_last_item() -> None:
    over = levels().until(99_000)
    assert (over.status, over.session.session_completed_at) == (Status.EXPIRED, 35_000)
    assert [change.occurred_at for change in over.expiries] == [10_000, 30_000, 35_000]
    assert times(over, 99_000) == [(10_000, 0), (20_000, 0), (5_000, 0)]
    assert offset(over, 99_000) == 0


def test_a_switch_after_the_last_item_completes_the_session() -> None:
    ended = levels().until(30_000).switch(at=33_000)
    assert (ended.status, ended.session.session_completed_at) == (Status.COMPLETED, 33_000)
    assert ended.last_change.type is EventType.SESSION_COMPLETED
    assert times(ended, 33_000) == [(10_000, 0), (20_000, 0), (3_000, 0)]
    assert offset(ended, 50_000) == -2_000


def test_a_last_item_that_waits_ends_only_by_a_command() -> None:
    waiting = play(agenda(item(OPENING, 1_000, "wait"))).start().until(50_000)
    assert waiting.status is Status.RUNNING
    assert waiting.switch(at=50_000).status is Status.COMPLETED


def test_a_programme_that_repeats_begins_again_with_its_first_item() -> None:
    position = levels(repeat=2)
    assert running(position, 34_999) == (CLOSING, 1, 1)
    assert running(position, 35_000) == (OPENING, 2, 10_000)
    over = position.until(99_000)
    assert (over.status, over.session.session_completed_at) == (Status.EXPIRED, 70_000)
    assert times(over, 99_000) == [(20_000, 0), (40_000, 0), (10_000, 0)]
    assert [one.planned_ms for one in over.shown(99_000).items or ()] == [20_000, 40_000, 10_000]


def test_go_begins_the_named_item_in_the_same_round() -> None:
    ahead = levels(repeat=2).go(CLOSING, at=4_000)
    assert running(ahead, 4_000) == (CLOSING, 1, 5_000)
    assert running(ahead, 9_000) == (OPENING, 2, 10_000)
    assert (ahead.last_change.type, ahead.session.cycle_number) == (EventType.CYCLE_SWITCHED, 2)
    assert ahead.last_change.metadata == {
        "next_participant_id": None,
        "item_id": CLOSING,
        "round": 1,
    }


def test_going_over_an_item_puts_the_programme_ahead_by_it() -> None:
    assert offset(levels().go(CLOSING, at=4_000), 4_000) == -26_000


def test_going_back_repeats_an_item_and_puts_the_programme_behind() -> None:
    back = levels().go(OPENING, at=14_000)
    assert running(back, 14_000) == (OPENING, 1, 10_000)
    assert offset(back, 14_000) == 14_000
    over = back.until(99_000)
    assert times(over, 99_000) == [(20_000, 0), (24_000, 0), (5_000, 0)]
    assert offset(over, 99_000) == 14_000


def test_going_to_the_running_item_begins_it_again() -> None:
    again = levels().go(OPENING, at=4_000)
    assert running(again, 5_000) == (OPENING, 1, 9_000)
    assert times(again, 5_000)[0] == (5_000, 0)


def test_go_needs_an_item_of_a_programme_and_a_running_session() -> None:
    with pytest.raises(RuleViolation) as unknown:
        levels().go("lunch", at=1_000)
    assert fields_of(unknown.value) == [("item_id", "unknown_item")]
    with pytest.raises(RuleViolation) as without:
        play(open_session(SyncMode.GLOBAL, total_time_ms=9_000)).start().go(TALK, at=1_000)
    assert fields_of(without.value) == [("item_id", "not_allowed")]
    with pytest.raises(InvalidTransition):
        levels().pause(at=1_000).go(TALK, at=2_000)


def test_a_pause_stops_the_item_and_the_chain_behind_it() -> None:
    paused = levels().pause(at=4_000)
    assert running(paused, 90_000) == (OPENING, 1, 6_000)
    resumed = paused.resume(at=100_000)
    assert running(resumed, 106_000) == (TALK, 1, 20_000)
    assert times(resumed, 107_000) == [(10_000, 0), (1_000, 0), (0, 0)]
    assert offset(resumed, 107_000) == 0


def test_time_that_is_given_to_an_item_moves_the_offset_at_once() -> None:
    longer = levels().give(add=7_000, at=4_000)
    assert running(longer, 4_000) == (OPENING, 1, 13_000)
    assert offset(longer, 4_000) == 7_000
    assert times(longer, 20_000) == [(17_000, 0), (3_000, 0), (0, 0)]
    assert [one.duration_ms for one in longer.shown(0).items or ()] == [10_000, 20_000, 5_000]


def test_an_expired_programme_is_reopened_with_its_last_item() -> None:
    again = levels().until(40_000).give(add=5_000, reopen=True, at=60_000)
    assert running(again, 60_000) == (CLOSING, 1, 5_000)
    over = again.until(99_000)
    assert (over.status, over.session.session_completed_at) == (Status.EXPIRED, 65_000)
    assert offset(over, 99_000) == 5_000


def test_complete_ends_a_programme_within_an_item() -> None:
    ended = levels().complete(at=12_000)
    assert ended.status is Status.COMPLETED
    assert times(ended, 99_000) == [(10_000, 0), (2_000, 0), (0, 0)]


@pytest.mark.parametrize(
    ("mode", "left", "used", "behind"),
    [
        ("turn_start", 10_000, [(0, 0), (0, 0), (0, 0)], 0),
        ("before_switch", 6_000, [(4_000, 0), (0, 0), (0, 0)], 0),
        ("as_if_never", 4_000, [(6_000, 0), (0, 0), (0, 0)], 0),
    ],
)
def test_undo_goes_back_to_the_item_before(
    mode: str, left: int, used: list[tuple[int, int]], behind: int
) -> None:
    back = levels().switch(at=4_000).undo(mode, at=6_000)
    assert running(back, 6_000) == (OPENING, 1, left)
    assert times(back, 6_000) == used
    assert offset(back, 6_000) == behind


def test_undo_goes_back_to_the_round_before() -> None:
    back = levels(repeat=2).until(35_000).undo("before_switch", at=36_000)
    assert running(back, 36_000) == (CLOSING, 1, 0)
    assert times(back, 36_000) == [(10_000, 0), (20_000, 0), (5_000, 0)]


def test_undo_of_a_go_restores_the_place() -> None:
    back = levels().go(CLOSING, at=4_000).undo("before_switch", at=5_000)
    assert running(back, 5_000) == (OPENING, 1, 6_000)
    assert running(back, 11_000) == (TALK, 1, 20_000)


def test_an_item_that_would_have_ended_since_ends_at_its_own_instant_after_an_undo() -> None:
    back = levels().go(CLOSING, at=9_000).undo("as_if_never", at=12_000)
    assert running(back, 12_000) == (TALK, 1, 18_000)
    assert back.until(12_000).expired_at == [(10_000, None)]


def test_the_end_of_a_programme_cannot_be_undone() -> None:
    with pytest.raises(InvalidTransition):
        levels().until(40_000).undo("turn_start", at=41_000)
    with pytest.raises(NothingToUndo):
        levels().undo("turn_start", at=1_000)
    with pytest.raises(UndoBlocked):
        levels().switch(at=1_000).give(add=1_000, at=2_000).undo("turn_start", at=3_000)


def test_participants_take_turns_with_the_items() -> None:
    debate = levels(players=2)
    assert [debate.until(at).active for at in (0, 10_000, 30_000)] == [ANNA, BEN, ANNA]
    assert debate.until(30_000).used(BEN, 30_000) == 20_000
    assert debate.switch(ANNA, at=1_000).active == ANNA


def test_warnings_are_due_in_every_item_that_is_long_enough() -> None:
    warned = levels(warn_at_ms=(8_000, 2_000)).until(99_000)
    assert warned.warned_at == [
        (2_000, 8_000),
        (8_000, 2_000),
        (22_000, 8_000),
        (28_000, 2_000),
        (33_000, 2_000),
    ]


def test_a_programme_is_kept_and_woken_for_its_next_change() -> None:
    session = levels().session
    assert next_wakeup(session) == 10_000
    assert retention_ms(session) == 10_000 + DAY


def test_the_load_counts_the_items_that_follow_each_other() -> None:
    session = meeting(warn_at_ms=(6_000,)).session
    assert automatic_load(session) == 8 * 3 * UNIT * 1_000 // 15_000
    assert automatic_load(play(session).switch(at=1_000).session) == automatic_load(session)
    with pytest.raises(RuleViolation) as refused:
        check_load_limit(agenda(item("fast", 1_000), players=2), "items", 7)
    assert fields_of(refused.value) == [("items", "too_busy")]
    assert automatic_load(agenda(item("slow", 1_000, "wait"))) == 0


@pytest.mark.parametrize(
    ("options", "field", "code"),
    [
        ({"total_time_ms": 9_000}, "total_time_ms", "not_allowed"),
        ({"time_per_cycle_ms": 9_000}, "time_per_cycle_ms", "not_allowed"),
        ({"auto_advance": True}, "auto_advance", "not_allowed"),
        (
            {"action_on_timeout": on_timeout("skip_cycle")},
            "action_on_timeout.type",
            "not_allowed",
        ),
    ],
)
def test_a_programme_excludes_other_ways_to_say_the_same(
    options: dict[str, Any], field: str, code: str
) -> None:
    with pytest.raises(RuleViolation) as refused:
        agenda(item(OPENING, 9_000), **options)
    assert fields_of(refused.value) == [(field, code)]


def test_items_are_unique_and_for_global_only() -> None:
    with pytest.raises(RuleViolation) as repeated:
        agenda(item(OPENING, 9_000), item(TALK, 9_000), item(OPENING, 1_000))
    assert fields_of(repeated.value) == [("items.2.item_id", "duplicate")]
    programme = agenda(item(OPENING, 9_000)).programme
    with pytest.raises(RuleViolation) as other:
        open_session(SyncMode.PER_CYCLE, seat(ANNA, 1_000), programme=programme)
    assert fields_of(other.value) == [("items", "not_allowed")]


def test_every_change_is_one_version() -> None:
    over = levels(repeat=3).go(TALK, at=4_000).switch(at=5_000).until(999_000)
    changes = [step for step in over.steps if isinstance(step, SessionChange)]
    assert [change.session.version for change in changes] == [*range(2, 2 + len(changes))]

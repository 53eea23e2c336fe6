"""`extend_on_switch`: a switch shortly before the end gives the clock more time (auctions)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import commands as c
from shared.domain.errors import InvalidTransition, RuleViolation, UndoBlocked
from shared.domain.extension import last_extension_ms
from shared.domain.session import Session, Status, SyncMode
from shared.domain.soft_close import SoftClose
from shared.domain.timekeeping import at_time
from shared.domain.undo import UndoMode
from shared.domain.units import Instant, Millis
from shared.domain.values import replace
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    Play,
    agenda,
    exam,
    fields_of,
    item,
    on_timeout,
    open_session,
    play,
    poker,
    seat,
)

END = 60_000
WINDOW = 10_000


def soft(window: int = WINDOW, **rule: Any) -> SoftClose:
    return SoftClose(Millis(window), **rule)


def auctions(**rule: Any) -> list[Any]:
    """Sessions that end at `END` without a bid: by a session clock, an instant, a cycle clock."""
    ends = on_timeout("end_session")
    options: dict[str, Any] = {"extend_on_switch": soft(**rule)}
    sessions = {
        "total_time": exam(END, **options),
        "ends_at": exam(ends_at=END, **options),
        "both": exam(END, ends_at=END + 20_000, **options),
        "total_time_and_cycles": exam(END, END, action_on_timeout=ends, **options),
        "cycle": exam(cycle=END, action_on_timeout=ends, **options),
        "per_cycle": poker(END, action_on_timeout=ends, **options),
    }
    return [pytest.param(session, id=name) for name, session in sessions.items()]


def extended_by(position: Play) -> int | None:
    """What the answer to the last switch says; the event must say the same."""
    by_ms = last_extension_ms(position.session)
    assert (position.last_change.metadata or {}).get("extended_by_ms") == by_ms
    return by_ms


@pytest.mark.parametrize("session", auctions(to_ms=30_000))
def test_a_switch_in_the_window_sets_the_clock(session: Session) -> None:
    bid = play(session).start().switch(at=55_000)
    assert (bid.deadline, extended_by(bid), bid.session.extensions) == (85_000, 25_000, 1)
    assert bid.until(90_000).expiries[-1].occurred_at == 85_000
    assert bid.until(90_000).status is Status.EXPIRED


@pytest.mark.parametrize("session", auctions(by_ms=30_000))
def test_a_switch_in_the_window_adds_to_the_clock(session: Session) -> None:
    bid = play(session).start().switch(at=55_000)
    assert (bid.deadline, extended_by(bid), bid.session.extensions) == (90_000, 30_000, 1)


@pytest.mark.parametrize("session", auctions(to_ms=30_000))
def test_a_switch_before_the_window_changes_nothing(session: Session) -> None:
    bid = play(session).start().switch(at=END - WINDOW - 1)
    assert (bid.deadline, extended_by(bid), bid.session.extensions) == (END, None, 0)


@pytest.mark.parametrize("session", auctions(to_ms=30_000))
def test_the_window_begins_and_ends_to_the_millisecond(session: Session) -> None:
    running = play(session).start()
    assert running.switch(at=END - WINDOW).deadline == END - WINDOW + 30_000
    assert running.switch(at=END - 1).deadline == END - 1 + 30_000
    with pytest.raises(InvalidTransition):
        running.switch(at=END)
    assert running.until(END).session.extensions == 0


@pytest.mark.parametrize("session", auctions(to_ms=4_000))
def test_a_clock_with_more_time_than_the_rule_gives_keeps_it(session: Session) -> None:
    bid = play(session).start().switch(at=END - 9_000)
    assert (bid.deadline, extended_by(bid), bid.session.extensions) == (END, None, 0)
    assert bid.switch(at=END - 1_000).deadline == END + 3_000


@pytest.mark.parametrize("session", auctions(by_ms=5_000, at_most=2))
def test_the_clock_is_extended_at_most_so_often(session: Session) -> None:
    bids = play(session).start().switch(at=50_000).switch(at=56_000).switch(at=61_000)
    assert (bids.deadline, extended_by(bids), bids.session.extensions) == (70_000, None, 2)


@pytest.mark.parametrize("session", auctions(to_ms=30_000, not_after=85_000))
def test_the_clock_never_runs_past_its_limit(session: Session) -> None:
    first = play(session).start().switch(at=51_000)
    assert (first.deadline, extended_by(first)) == (81_000, 21_000)
    second = first.switch(at=80_000)
    assert (second.deadline, extended_by(second)) == (85_000, 4_000)
    third = second.switch(at=84_999)
    assert (third.deadline, extended_by(third), third.session.extensions) == (85_000, None, 2)


def test_an_extension_moves_the_end() -> None:
    bid = play(exam(ends_at=END, extend_on_switch=soft(to_ms=30_000))).start().switch(at=55_000)
    assert bid.session.ends_at == 85_000
    assert bid.pause(at=56_000).until(90_000).expired_at == [(85_000, None)]


def test_an_end_that_lies_later_moves_only_as_far_as_needed() -> None:
    session = exam(END, ends_at=END + 20_000, extend_on_switch=soft(to_ms=30_000))
    assert play(session).start().switch(at=51_000).session.ends_at == 81_000
    assert play(session).start().switch(at=50_000).session.ends_at == 80_000


def test_the_session_clock_is_meant_and_not_the_cycles() -> None:
    session = exam(END, 20_000, extend_on_switch=soft(to_ms=30_000))
    bid = play(session).start().switch(at=15_000).switch(at=30_000)
    assert (bid.session.session_left_ms, bid.session.cycle_left_ms) == (30_000, 20_000)
    bid = bid.switch(at=45_000).switch(at=55_000)
    assert (bid.session.session_left_ms, bid.session.cycle_left_ms) == (30_000, 20_000)


def test_after_a_flag_fall_the_next_cycle_is_full_and_can_be_extended_anew() -> None:
    rule = soft(to_ms=30_000, at_most=1)
    lots = play(poker(END, auto_advance=True, extend_on_switch=rule)).start().switch(at=55_000)
    assert (lots.deadline, lots.session.extensions) == (85_000, 1)
    second = lots.until(85_000)
    assert (second.deadline, second.session.extensions) == (85_000 + END, 0)
    assert second.switch(at=140_000).deadline == 170_000


def test_a_switch_at_zero_is_refused_while_the_session_goes_on() -> None:
    closed = play(poker(END, extend_on_switch=soft(to_ms=30_000))).start().until(END)
    assert closed.status is Status.RUNNING
    with pytest.raises(InvalidTransition, match="its clock is at zero"):
        closed.switch(at=END + 5)
    given = closed.do(c.AdjustClocks(set_ms=Millis(20_000)), at=END + 5)
    assert given.switch(at=END + 6).deadline == END + 20_005


def test_a_carried_clock_leaves_the_length_of_a_next_cycle_as_it_was_set() -> None:
    session = poker(END, auto_advance=True, extend_on_switch=soft(to_ms=30_000))
    bid = play(session).start().adjust(BEN, 7_000, at=1).switch(at=5_000)
    assert bid.deadline == END
    assert bid.switch(ANNA, at=6_000).until(END).deadline == END + 7_000


def test_a_soft_close_is_for_global_and_per_cycle() -> None:
    for mode in (SyncMode.PER_PARTICIPANT, SyncMode.PER_GROUP, SyncMode.COUNT_UP):
        with pytest.raises(RuleViolation) as refusal:
            open_session(mode, seat(ANNA, 5_000), extend_on_switch=soft(to_ms=30_000))
        assert fields_of(refusal.value) == [("extend_on_switch", "not_allowed")]


def test_neither_a_programme_nor_an_overrun_has_a_soft_close() -> None:
    with pytest.raises(RuleViolation) as refusal:
        agenda(item("talk", 5_000), extend_on_switch=soft(to_ms=30_000))
    assert fields_of(refusal.value) == [("extend_on_switch", "not_allowed")]
    with pytest.raises(RuleViolation) as refusal:
        poker(END, overtime=True, extend_on_switch=soft(to_ms=30_000))
    assert fields_of(refusal.value) == [("extend_on_switch", "not_allowed")]


@pytest.mark.parametrize(
    ("rule", "field", "code"),
    [
        ({}, "to_ms", "missing"),
        ({"to_ms": 5, "by_ms": 5}, "by_ms", "not_allowed"),
        ({"to_ms": 5, "not_after": 999}, "not_after", "too_soon"),
        ({"to_ms": 5, "not_after": END}, "not_after", "too_soon"),
    ],
)
def test_a_soft_close_must_be_complete(rule: dict[str, Any], field: str, code: str) -> None:
    end = END if rule.get("not_after") == END else None
    with pytest.raises(RuleViolation) as refusal:
        exam(END, ends_at=end, extend_on_switch=soft(**rule))
    assert fields_of(refusal.value) == [(f"extend_on_switch.{field}", code)]


# Undo


def shared(position: Play, at: int) -> tuple[int | None, int | None, int]:
    """Time left until the end, `ends_at` and the extensions so far, at `at`."""
    session = at_time(position.session, Instant(at))
    left = session.cycle_left_ms if session.session_left_ms is None else session.session_left_ms
    return left, session.ends_at, session.extensions


@pytest.mark.parametrize("session", auctions(to_ms=30_000))
def test_an_undo_takes_an_extension_back(session: Session) -> None:
    first = play(session).start().switch(at=51_000)
    bid = first.switch(at=75_000)
    undone = bid.do(c.Undo(UndoMode.AS_IF_NEVER), at=78_000)
    assert shared(undone, 78_000) == (3_000, first.session.ends_at, 1)
    assert undone.deadline == 81_000


@pytest.mark.parametrize("session", auctions(by_ms=30_000))
@pytest.mark.parametrize("mode", [UndoMode.TURN_START, UndoMode.BEFORE_SWITCH])
def test_an_undo_gives_the_time_back_that_no_end_limits(session: Session, mode: UndoMode) -> None:
    bid = play(session).start().switch(at=20_000).switch(at=55_000)
    undone = bid.do(c.Undo(mode), at=58_000)
    limit = (session.ends_at or 10**9) - 58_000
    before = 5_000 if mode is UndoMode.BEFORE_SWITCH else 40_000
    assert shared(undone, 58_000) == (min(before, limit), session.ends_at, 0)


@pytest.mark.parametrize("session", auctions(to_ms=30_000))
def test_an_undo_keeps_time_that_was_given_since(session: Session) -> None:
    bid = play(session).start().switch(at=55_000)
    given = bid.adjust(bid.active or ANNA, 40_000, at=56_000)
    undone = given.do(c.Undo(UndoMode.AS_IF_NEVER), at=57_000)
    assert shared(undone, 57_000)[0] == 40_000 - 1_000 - 25_000


def test_an_undo_after_the_end_that_a_switch_moved_is_refused() -> None:
    session = exam(ends_at=END, extend_on_switch=soft(to_ms=30_000))
    bid = play(session).start().switch(at=55_000)
    for mode in (UndoMode.TURN_START, UndoMode.BEFORE_SWITCH):
        with pytest.raises(UndoBlocked, match="would have ended"):
            bid.do(c.Undo(mode), at=70_000)
    undone = bid.do(c.Undo(UndoMode.AS_IF_NEVER), at=70_000)
    assert undone.until(70_000).expired_at == [(END, None)]


# Properties

bids = st.lists(st.integers(0, 30_000), max_size=12)


@given(bids, st.sampled_from([p.values[0] for p in auctions(to_ms=15_000)]))
def test_an_auction_ends_a_fixed_time_after_the_last_bid_in_its_window(
    gaps: list[int], session: Session
) -> None:
    """With `to_ms`, and without a bid in a window it ends at its first deadline."""
    position, now, end = play(session).start(), 0, END
    for gap in gaps:
        if now + gap >= end:
            break
        now += gap
        position = position.switch(at=now)
        if end - now <= WINDOW:
            end = now + 15_000
    ended = position.until(10**7)
    assert (ended.status, ended.session.session_completed_at) == (Status.EXPIRED, end)


@given(
    bids,
    st.one_of(
        st.builds(soft, st.integers(1, 20_000), to_ms=st.integers(1, 40_000)),
        st.builds(soft, st.integers(1, 20_000), by_ms=st.integers(1, 40_000)),
    ),
    st.none() | st.integers(1, 4),
    st.none() | st.integers(END + 1, 100_000),
    st.sampled_from([p.values[0] for p in auctions(to_ms=1)]),
)
def test_an_extension_keeps_its_limits(
    gaps: list[int], rule: SoftClose, at_most: int | None, not_after: int | None, session: Session
) -> None:
    rule = replace(rule, at_most=at_most, not_after=not_after)
    position, now = play(replace(session, extend_on_switch=rule)).start(), 0
    for gap in gaps:
        deadline = position.deadline
        assert deadline is not None
        if now + gap >= deadline:
            break
        now += gap
        position = position.switch(at=now)
        by_ms = extended_by(position) or 0
        assert position.deadline == deadline + by_ms
        assert by_ms == 0 or 0 < deadline - now <= rule.window_ms
        assert by_ms == 0 or not_after is None or deadline + by_ms <= not_after
    assert position.session.extensions <= (at_most or len(gaps))


@given(
    bids,
    st.integers(0, 30_000),
    st.sampled_from([p.values[0] for p in auctions(to_ms=15_000) + auctions(by_ms=7_000)]),
)
def test_after_an_undo_the_auction_is_as_if_the_last_bid_had_not_been(
    gaps: list[int], later: int, session: Session
) -> None:
    before = position = play(session).start()
    now = 0
    for gap in gaps:
        if now + gap >= (position.deadline or 0):
            break
        now += gap
        before, position = position, position.switch(at=now)
    until = now + later
    if position is before or until >= (position.deadline or 0):
        return
    undone = position.do(c.Undo(UndoMode.AS_IF_NEVER), at=until).until(until)
    expected = before.until(until)
    assert undone.status is expected.status
    assert undone.deadline == expected.deadline
    assert undone.expired_at == expected.expired_at
    assert shared(undone, until) == shared(expected, until)

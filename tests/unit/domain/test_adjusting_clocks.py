"""Adjusting several clocks: time is added or set at one instant, and nothing is half done."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import commands as c
from shared.domain.clocks import ClockOwner, ClockScope, clocks_of
from shared.domain.errors import InvalidTransition, Refusal, RuleViolation, UndoBlocked
from shared.domain.events import EventType
from shared.domain.session import Session, Status, SyncMode
from shared.domain.time_control import Overtime, TimeControl
from shared.domain.undo import UndoMode
from shared.domain.units import DAY, Instant, Millis
from shared.domain.values import replace
from tests.fuzz.extent import extent
from tests.unit.domain.random_games import apply, opened, random_sessions, run_commands
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    BLUE,
    CLEO,
    DAN,
    RED,
    Play,
    chess,
    exam,
    fields_of,
    on_timeout,
    open_session,
    play,
    poker,
    race,
    seat,
    teams,
)

EVERY_MODE = [
    pytest.param(chess(10_000), id="per_participant"),
    pytest.param(poker(10_000), id="per_cycle"),
    pytest.param(teams(5_000, RED, BLUE, RED, BLUE), id="per_group"),
    pytest.param(exam(total=10_000), id="global"),
    pytest.param(exam(total=10_000, players=0), id="global_alone"),
    pytest.param(exam(cycle=10_000), id="global_cycle"),
    pytest.param(exam(cycle=10_000, players=0), id="global_cycle_alone"),
    pytest.param(race(ceiling=10_000), id="count_up"),
    pytest.param(race(ceiling=10_000, players=0), id="count_up_alone"),
]
in_every_mode = pytest.mark.parametrize("session", EVERY_MODE)
PARTICIPANTS = c.ClockTarget(participants=(ANNA, BEN))
SESSION, CYCLE = c.ClockTarget(ClockScope.SESSION), c.ClockTarget(ClockScope.CYCLE)
BYO_YOMI = TimeControl(overtime=Overtime(period_ms=Millis(30_000), periods=3))


def adjust(game: Play, to: c.ClockTarget = c.EVERY_CLOCK, *, at: int, **fields: Any) -> Play:
    return game.do(c.AdjustClocks(to, **fields), at)


def refused(game: Play, to: c.ClockTarget = c.EVERY_CLOCK, *, at: int, **fields: Any) -> Any:
    """Return the fields and codes of the refusal; the session must stay as it is."""
    with pytest.raises(RuleViolation) as refusal:
        adjust(game, to, at=at, **fields)
    return fields_of(refusal.value)


@in_every_mode
@pytest.mark.parametrize("is_running", [True, False])
def test_five_minutes_more_for_everybody(session: Session, is_running: bool) -> None:
    game = play(session).start() if is_running else play(session).start().pause(at=3_000)
    given_at = game.give(add=300_000, at=4_000)
    used = 4_000 if is_running else 3_000
    assert given_at.remaining(at=4_000) == 310_000 - used
    assert given_at.session.version == game.session.version + 1
    assert given_at.deadline == (310_000 if is_running else None)


@in_every_mode
def test_time_can_be_given_before_the_start(session: Session) -> None:
    game = play(session).give(add=5_000, at=1_000).start(at=20_000)
    assert game.deadline == 35_000


@in_every_mode
def test_all_clocks_can_be_set(session: Session) -> None:
    game = adjust(play(session).start(), at=3_000, set_ms=Millis(60_000))
    assert game.deadline == 63_000


@in_every_mode
def test_a_clock_that_would_reach_zero_is_named_and_nothing_changes(session: Session) -> None:
    game = play(session).start()
    with pytest.raises(RuleViolation) as refusal:
        game.give(add=-7_000, at=3_000)
    assert {v.field for v in refusal.value.violations} == {"add_ms"}
    assert "would leave" in refusal.value.violations[0].message
    assert game.give(add=-6_999, at=3_000).remaining(at=3_000) == 1


def test_the_refusal_names_whose_clock_would_reach_zero() -> None:
    with pytest.raises(RuleViolation) as refusal:
        play(chess(60_000, 5_000)).start().give(add=-5_000, at=1_000)
    (violation,) = refusal.value.violations
    assert "participant ben" in violation.message


def test_only_the_named_participants_get_time() -> None:
    game = play(chess(10_000, 20_000, 30_000)).start().give(BEN, CLEO, add=5_000, at=3_000)
    assert [game.clock(who, at=3_000) for who in (ANNA, BEN, CLEO)] == [7_000, 25_000, 35_000]


def test_a_clock_at_zero_that_gains_time_runs_again() -> None:
    game = play(chess(5_000, 60_000)).start().give(ANNA, add=4_000, at=9_000)
    assert (game.clock(ANNA, at=9_000), game.deadline) == (4_000, 13_000)
    assert len(game.until(13_000).expiries) == 2


def test_a_group_gets_time_once_however_many_of_its_members_are_named() -> None:
    match = play(teams(5_000, RED, BLUE, RED, BLUE)).start().give(ANNA, CLEO, add=1_000, at=0)
    assert [match.clock(who, at=0) for who in (ANNA, BEN, CLEO, DAN)] == [
        11_000,
        10_000,
        11_000,
        10_000,
    ]


def test_groups_can_be_named() -> None:
    match = play(teams(5_000, RED, BLUE)).start()
    match = adjust(match, c.ClockTarget(groups=(BLUE,)), at=1_000, add_ms=Millis(2_000))
    assert [match.clock(who, at=1_000) for who in (ANNA, BEN)] == [4_000, 7_000]
    assert match.last_change.side == ClockOwner(group_id=BLUE)
    assert match.last_change.time_remaining_ms == 7_000


def test_in_per_cycle_the_others_get_a_longer_next_cycle_only() -> None:
    game = play(poker(10_000, players=2)).start().give(add=5_000, at=3_000)
    assert game.deadline == 15_000
    game = game.switch(at=4_000)
    assert game.deadline == 19_000
    assert game.switch(at=5_000).deadline == 15_000


def test_in_per_cycle_the_running_cycle_can_be_named() -> None:
    game = adjust(play(poker(10_000)).start(), CYCLE, at=3_000, add_ms=Millis(5_000))
    assert (game.deadline, game.clock(BEN, at=3_000)) == (15_000, 10_000)


def test_in_per_cycle_own_lengths_stay_for_later_cycles() -> None:
    session = open_session(SyncMode.PER_CYCLE, seat(ANNA, 10_000), seat(BEN, 20_000))
    game = play(session).start().give(add=5_000, at=3_000).switch(at=4_000)
    assert game.deadline == 29_000
    assert game.switch(at=5_000).deadline == 15_000


def test_in_global_everybody_means_the_session_clock() -> None:
    paper = play(exam(total=60_000, cycle=10_000)).start().give(add=5_000, at=3_000)
    assert (paper.session.session_left_ms, paper.session.cycle_left_ms) == (62_000, 7_000)


def test_in_global_each_clock_can_be_named() -> None:
    paper = play(exam(total=60_000, cycle=10_000)).start()
    paper = adjust(paper, SESSION, at=3_000, add_ms=Millis(-1_000))
    paper = adjust(paper, CYCLE, at=3_000, set_ms=Millis(9_000))
    assert (paper.session.session_left_ms, paper.session.cycle_left_ms) == (56_000, 9_000)


def test_in_count_up_the_ceiling_moves() -> None:
    run = adjust(play(race(ceiling=10_000)).start(), SESSION, at=3_000, add_ms=Millis(5_000))
    assert (run.session.session_left_ms, run.session.max_time_ms) == (12_000, 15_000)
    run = adjust(run, at=4_000, set_ms=Millis(2_000))
    assert (run.session.session_left_ms, run.session.max_time_ms) == (2_000, 6_000)
    assert run.until(6_000).status is Status.EXPIRED


@pytest.mark.parametrize(
    ("session", "to", "field"),
    [
        (chess(10_000), SESSION, "to"),
        (chess(10_000), CYCLE, "to"),
        (chess(10_000), c.ClockTarget(groups=(RED,)), "to.groups"),
        (poker(10_000), SESSION, "to"),
        (teams(5_000, RED, BLUE), CYCLE, "to"),
        (exam(total=10_000), CYCLE, "to"),
        (exam(cycle=10_000), SESSION, "to"),
        (exam(total=10_000), PARTICIPANTS, "to"),
        (race(), c.EVERY_CLOCK, "to"),
        (race(), SESSION, "to"),
        (race(ceiling=10_000), CYCLE, "to"),
        (race(ceiling=10_000), PARTICIPANTS, "to"),
    ],
)
def test_clocks_that_a_mode_does_not_have_are_refused(
    session: Session, to: c.ClockTarget, field: str
) -> None:
    game = play(session).start()
    assert refused(game, to, at=1_000, add_ms=Millis(1_000)) == [(field, "not_allowed")]


def test_wrong_names_are_refused_by_their_position() -> None:
    game, names = play(chess(10_000)), (ANNA, "nobody", ANNA)
    assert refused(game, c.ClockTarget(participants=names), at=0, add_ms=Millis(1)) == [
        ("to.participants.1", "unknown_participant"),
        ("to.participants.2", "duplicate"),
    ]
    match, groups = play(teams(5_000, RED, BLUE)), (RED, "nobody", RED)
    assert refused(match, c.ClockTarget(groups=groups), at=0, add_ms=Millis(1)) == [
        ("to.groups.1", "unknown_group"),
        ("to.groups.2", "duplicate"),
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ("add_ms", "missing")),
        ({"add_ms": 1, "set_ms": 1_000}, ("add_ms", "not_allowed")),
        ({"set_ms": 999}, ("set_ms", "too_small")),
        ({"set_ms": DAY + 1}, ("set_ms", "too_big")),
    ],
)
def test_amounts_outside_the_limits_are_refused(
    fields: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert refused(play(chess(10_000)), at=0, **fields) == [expected]


def test_no_clock_gets_more_than_thirty_days() -> None:
    game = play(chess(10_000))
    for _ in range(29):
        game = game.give(add=DAY, at=0)
    assert refused(game, at=0, add_ms=DAY) == [("add_ms", "too_big")] * 2
    assert game.give(add=-1, at=0).clock(ANNA, at=0) == 29 * DAY + 9_999


def test_with_a_time_control_only_the_bank_changes() -> None:
    game = play(chess(10_000, time_control=BYO_YOMI)).start().give(add=5_000, at=15_000)
    assert game.session.participants[0].bank_ms == 5_000
    assert game.session.participants[0].reserve.period_ms == 25_000
    assert game.clock(ANNA, at=15_000) == 5_000 + 25_000 + 60_000
    assert refused(game, at=15_000, add_ms=Millis(-5_000)) == [("add_ms", "too_small")]
    assert adjust(game, at=15_000, set_ms=Millis(0)).clock(BEN, at=15_000) == 90_000


EMPTIED = "must leave more than 0ms"

IN_BYO_YOMI = play(chess(10_000, time_control=BYO_YOMI)).start()


@pytest.mark.parametrize(
    "game",
    [
        pytest.param(IN_BYO_YOMI, id="running"),
        pytest.param(IN_BYO_YOMI.pause(at=1_000), id="paused"),
        pytest.param(IN_BYO_YOMI.switch(at=1_000), id="waiting"),
        pytest.param(play(chess(10_000, time_control=BYO_YOMI)), id="pending"),
        pytest.param(play(teams(5_000, RED, BLUE, time_control=BYO_YOMI)).start(), id="group"),
    ],
)
def test_a_clock_keeps_time_whichever_of_its_times_are_set(game: Play) -> None:
    """Else it would stand at zero without a flag."""
    whose = "group red" if game.session.groups else "participant anna"
    without_periods = game.do(c.AdjustTime(ANNA, Millis(5_000), overtime_periods=0), 2_000)
    without_bank = game.do(c.AdjustTime(ANNA, Millis(0)), 2_000)
    anna = c.ClockTarget(participants=(ANNA,))
    for position, command, field in (
        (without_periods, c.AdjustTime(ANNA, Millis(0)), "total_time_ms"),
        (without_periods, c.AdjustClocks(anna, set_ms=Millis(0)), "set_ms"),
        (without_bank, c.AdjustTime(ANNA, overtime_periods=0), "overtime_periods"),
        (game, c.AdjustTime(ANNA, Millis(0), overtime_periods=0), "total_time_ms"),
    ):
        with pytest.raises(RuleViolation) as refusal:
            position.do(command, 2_500)
        (violation,) = refusal.value.violations
        assert (violation.field, violation.code) == (field, "too_small")
        assert violation.message == f"would leave {whose} with 0ms, and {EMPTIED}"


def test_a_delay_is_not_enough_because_an_empty_clock_gets_none() -> None:
    control = replace(BYO_YOMI, delay_ms=Millis(5_000))
    game = play(chess(10_000, time_control=control)).start()
    with pytest.raises(RuleViolation) as refusal:
        game.do(c.AdjustTime(ANNA, Millis(0), overtime_periods=0), 2_000)
    assert fields_of(refusal.value) == [("total_time_ms", "too_small")]


def test_an_hourglass_can_be_adjusted() -> None:
    game = play(chess(60_000, time_control=TimeControl(hourglass=True))).start()
    game = game.give(BEN, add=5_000, at=10_000)
    assert [game.clock(who, at=10_000) for who in (ANNA, BEN)] == [50_000, 75_000]


def test_the_event_says_what_was_asked_and_what_it_changed() -> None:
    game = play(chess(10_000, 20_000)).start().give(add=5_000, at=3_000, reason="fire alarm")
    change = game.last_change
    assert (change.type, change.side) == (EventType.TIME_ADJUSTED, ClockOwner())
    assert change.metadata == {
        "add_ms": 5_000,
        "to": "all",
        "reason": "fire alarm",
        "clocks": [
            {"participant_id": ANNA, "before_ms": 7_000, "after_ms": 12_000},
            {"participant_id": BEN, "before_ms": 20_000, "after_ms": 25_000},
        ],
    }
    one = game.give(BEN, add=1, at=3_000).last_change
    assert one.side == ClockOwner(participant_id=BEN)
    assert one.metadata is not None
    assert one.metadata["to"] == {"participants": [BEN]}


EXPIRED = [
    pytest.param(play(chess(5_000)).start().switch(at=5_000).until(10_000), id="per_participant"),
    pytest.param(
        play(poker(10_000, action_on_timeout=on_timeout("end_session"))).start().until(10_000),
        id="per_cycle",
    ),
    pytest.param(
        play(teams(5_000, RED, BLUE)).start().switch(at=5_000).until(10_000), id="per_group"
    ),
    pytest.param(play(exam(total=10_000)).start().until(10_000), id="global"),
    pytest.param(play(race(ceiling=10_000)).start().until(10_000), id="count_up"),
]


@pytest.mark.parametrize("game", EXPIRED)
def test_an_expired_session_is_reopened_with_what_was_added(game: Play) -> None:
    assert game.status is Status.EXPIRED
    reopened = game.give(add=7_000, at=60_000, reopen=True)
    assert (reopened.status, reopened.deadline) == (Status.RUNNING, 67_000)
    assert reopened.session.session_completed_at is None
    assert reopened.active == game.active
    assert reopened.until(67_000).expiries[-1].occurred_at == 67_000


@pytest.mark.parametrize("game", EXPIRED)
def test_an_expired_session_gets_no_time_unless_it_is_reopened(game: Play) -> None:
    with pytest.raises(InvalidTransition):
        game.give(add=7_000, at=60_000)


def test_a_session_is_not_reopened_if_its_running_clock_stays_at_zero() -> None:
    session = chess(5_000, action_on_timeout=on_timeout("end_session"))
    game = play(session).start().until(5_000)
    to = c.ClockTarget(participants=(BEN,))
    assert refused(game, to, at=6_000, add_ms=Millis(1), reopen=True) == [("reopen", "not_allowed")]


@pytest.mark.parametrize(
    "game",
    [
        play(chess(5_000)),
        play(chess(5_000)).start(),
        play(chess(5_000)).start().pause(at=1),
        play(chess(5_000)).start().complete(at=1),
        play(chess(5_000)).start().cancel(at=1),
    ],
)
def test_only_an_expired_session_is_reopened(game: Play) -> None:
    with pytest.raises(InvalidTransition):
        game.give(add=7_000, at=1_000, reopen=True)


def undone(game: Play, mode: UndoMode, *, at: int) -> Play:
    return game.do(c.Undo(mode), at)


def test_an_undo_as_if_never_keeps_the_time_that_was_given_since() -> None:
    game = play(chess(60_000, 60_000, 60_000)).start().switch(at=10_000).give(add=5_000, at=12_000)
    game = undone(game, UndoMode.AS_IF_NEVER, at=15_000)
    assert [game.clock(who, at=15_000) for who in (ANNA, BEN, CLEO)] == [50_000, 65_000, 65_000]


def test_an_undo_as_if_never_keeps_the_time_of_a_group_once() -> None:
    match = play(teams(30_000, RED, RED)).start().switch(at=10_000).give(add=5_000, at=12_000)
    assert undone(match, UndoMode.AS_IF_NEVER, at=15_000).clock(ANNA, at=15_000) == 50_000


@pytest.mark.parametrize("mode", [UndoMode.TURN_START, UndoMode.BEFORE_SWITCH])
def test_no_other_undo_loses_the_time_that_was_given(mode: UndoMode) -> None:
    game = play(chess(60_000)).start().switch(at=10_000).give(add=5_000, at=12_000)
    with pytest.raises(UndoBlocked):
        undone(game, mode, at=15_000)


def clock_values(session: Session) -> dict[str, int]:
    return {str(one.name): one.value_ms for one in clocks_of(session).adjustable_clocks(session)}


def all_applied(
    session: Session, additions: tuple[c.AdjustClocks, ...], now: Instant
) -> Session | None:
    """The session after all additions; None if one was refused."""
    for command in additions:
        result = apply(session, command, now)
        if isinstance(result, Refusal):
            return None
        session = result.session
    return session


@extent(short=40, full=2_000)
@given(random_sessions(), st.data())
def test_additions_in_any_order_give_the_same_clocks(generated: Any, data: st.DataObject) -> None:
    session, now = opened(generated), generated.created_at
    for run in run_commands(generated):
        session, now = run.after, run.now
    members = [p.participant_id for p in session.participants]
    named = st.lists(st.sampled_from(members), min_size=1, unique=True) if members else st.nothing()
    targets = st.sampled_from(ClockScope).map(c.ClockTarget) | named.map(
        lambda ids: c.ClockTarget(participants=tuple(ids))
    )
    amounts = st.integers(-3_000, 9_000).filter(bool).map(Millis)
    additions = data.draw(
        st.lists(st.builds(c.AdjustClocks, targets, amounts), min_size=2, max_size=3)
    )
    results = [all_applied(session, order, now) for order in permutations(additions)]
    values = [clock_values(result) for result in results if result]
    assert all(one == values[0] for one in values)

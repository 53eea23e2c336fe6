"""`individual`: each participant has a clock of its own (docs/individual-clocks.md)."""

from typing import Any

import pytest

from shared.domain import commands as c
from shared.domain.clocks import ClockOwner, clocks_of
from shared.domain.errors import (
    ActiveParticipant,
    InvalidTransition,
    RuleViolation,
    UnknownParticipant,
    WrongRunState,
)
from shared.domain.events import EventType, SessionChange
from shared.domain.individual_clock import Begins, RunState
from shared.domain.programme import Programme
from shared.domain.session import Session, Status, TimeoutAction, TimeoutKind
from shared.domain.timekeeping import at_time, next_wakeup, retention_ms
from shared.domain.units import DAY, Instant, Millis
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    CLEO,
    Play,
    candidate,
    chess,
    fields_of,
    item,
    play,
    seat,
    sitting,
)

EACH = Begins.EACH
S = 1_000
MINUTE = 60 * S


def exam(*seats: c.NewParticipant, total: int = 10 * S, **options: Any) -> Play:
    """A started session in which each participant begins by itself."""
    return play(sitting(*seats, total=total, begins=EACH, **options)).start()


def race(*seats: c.NewParticipant, **options: Any) -> Play:
    """A started session in which all began at 0, without a limit."""
    return play(sitting(*seats, **options)).start()


def states(game: Play) -> list[str]:
    return [game.own(p.participant_id).state.value for p in game.session.participants]


def events(game: Play) -> list[tuple[str, int, str | None]]:
    changes = [step for step in game.steps if isinstance(step, SessionChange)]
    return [(one.type.value, one.occurred_at, one.side.participant_id) for one in changes]


# Beginning


def test_together_all_begin_when_the_session_starts() -> None:
    game = play(sitting(total=10 * S)).start(at=3 * S)
    assert states(game) == ["running", "running"]
    assert [game.own(name).begun_at for name in (ANNA, BEN)] == [3 * S, 3 * S]
    assert [game.deadline_of(name) for name in (ANNA, BEN)] == [13 * S, 13 * S]


def test_each_begins_at_its_own_instant() -> None:
    game = exam().begin(BEN, at=2_001)
    assert states(game) == ["not_begun", "running"]
    assert (game.deadline_of(ANNA), game.deadline_of(BEN)) == (None, 12_001)


def test_several_begin_at_one_instant_in_one_version() -> None:
    before = exam(*map(candidate, (ANNA, BEN, CLEO)))
    game = before.begin(BEN, CLEO, at=500)
    assert game.session.version == before.session.version + 1
    assert states(game) == ["not_begun", "running", "running"]
    assert game.last_change.metadata == {"participants": [BEN, CLEO]}


def test_without_names_all_begin_who_have_not() -> None:
    game = exam(*map(candidate, (ANNA, BEN, CLEO))).begin(BEN, at=0).begin(at=700)
    assert [game.own(name).begun_at for name in (ANNA, BEN, CLEO)] == [700, 0, 700]
    with pytest.raises(RuleViolation) as refused:
        game.begin(at=800)
    assert fields_of(refused.value) == [("participants", "not_allowed")]


@pytest.mark.parametrize("names", [(ANNA,), (BEN, ANNA)])
def test_nobody_begins_twice(names: tuple[str, ...]) -> None:
    with pytest.raises(WrongRunState, match="anna has already begun"):
        exam().begin(ANNA, at=0).begin(*names, at=1)


def test_nobody_begins_before_the_start_or_in_a_pause() -> None:
    pending = play(sitting(total=10 * S, begins=EACH))
    for game in (pending, exam().pause(5)):
        with pytest.raises(InvalidTransition):
            game.begin(ANNA, at=10)


def test_a_newcomer_begins_later() -> None:
    game = race().join(candidate(CLEO), at=4 * S)
    assert game.own(CLEO).state is RunState.NOT_BEGUN
    assert game.begin(CLEO, at=5 * S).own(CLEO).begun_at == 5 * S


# The limit


@pytest.mark.parametrize(
    ("allowance", "limit"),
    [
        ({}, 10_001),
        ({"extra_ms": Millis(300)}, 10_301),
        ({"factor_permille": 1_250}, 12_501),  # 12 501.25
        ({"factor_permille": 1_333}, 13_331),  # 13 331.333
        ({"factor_permille": 1_333, "extra_ms": Millis(1)}, 13_332),
        ({"factor_permille": 4_000, "extra_ms": Millis(5)}, 40_009),
    ],
)
def test_the_limit_is_rounded_down_once(allowance: dict[str, Any], limit: int) -> None:
    game = exam(candidate(ANNA, **allowance), total=10_001).begin(ANNA, at=7)
    assert game.deadline_of(ANNA) == 7 + limit


def test_the_session_shows_the_next_of_all_deadlines() -> None:
    game = exam(candidate(ANNA, extra_ms=Millis(5 * S)), candidate(BEN))
    game = game.begin(ANNA, at=0).begin(BEN, at=2 * S)
    assert game.deadline == 12 * S
    assert game.until(12 * S).deadline == 15 * S


# The deadline


def test_without_grace_a_participant_is_closed_at_its_deadline() -> None:
    game = exam().begin(ANNA, at=0).until(11 * S)
    assert states(game) == ["closed", "not_begun"]
    assert events(game)[-1] == ("time_expired", 10 * S, ANNA)
    assert game.own(ANNA).used_ms == 10 * S
    assert game.last_change.is_automatic
    assert game.last_change.expiry is not None
    assert game.last_change.expiry.side == ClockOwner(participant_id=ANNA)


def test_with_grace_a_participant_is_overdue_and_then_closed() -> None:
    game = exam(grace_ms=Millis(2 * S)).begin(ANNA, at=0)
    overdue = game.until(11_999)
    assert states(overdue) == ["overdue", "not_begun"]
    assert next_wakeup(overdue.session) == 12 * S
    assert overdue.deadline is None
    closed = overdue.until(12 * S)
    assert states(closed) == ["closed", "not_begun"]
    assert events(closed)[-2:] == [
        ("time_expired", 10 * S, ANNA),
        ("participant_closed", 12 * S, ANNA),
    ]


def test_a_finish_in_the_grace_period_says_how_late_it_was() -> None:
    game = exam(grace_ms=Millis(2 * S)).begin(ANNA, at=0).finish(ANNA, at=11_234)
    assert game.own(ANNA).late_ms == 1_234
    assert game.last_change.metadata == {"late_ms": 1_234}
    assert game.own(ANNA).used_ms == 10 * S


def test_at_the_end_of_the_grace_period_it_is_too_late_to_finish() -> None:
    game = exam(grace_ms=Millis(2 * S)).begin(ANNA, at=0)
    assert game.finish(ANNA, at=11_999).own(ANNA).late_ms == 1_999
    with pytest.raises(WrongRunState, match="anna has already ended"):
        game.finish(ANNA, at=12 * S)


def test_at_the_deadline_a_finish_is_late_by_nothing() -> None:
    game = exam(grace_ms=Millis(2 * S)).begin(ANNA, at=0)
    assert game.finish(ANNA, at=9_999).own(ANNA).late_ms is None
    assert game.finish(ANNA, at=10 * S).own(ANNA).late_ms == 0


def test_deadlines_at_one_instant_are_a_version_each_in_the_order_of_the_index() -> None:
    seats = [candidate(CLEO), candidate(ANNA), candidate(BEN)]
    game = play(sitting(*seats, total=10 * S)).start().until(10 * S)
    assert events(game)[1:] == [("time_expired", 10 * S, name) for name in (CLEO, ANNA, BEN)]
    assert game.session.version == 5


# Closing times


def test_the_closing_time_cuts_all_who_have_none_of_their_own() -> None:
    seats = [candidate(ANNA), candidate(BEN, closes_at=Instant(14 * S))]
    game = exam(*seats, closes_at=Instant(12 * S)).begin(ANNA, BEN, at=3 * S)
    assert (game.deadline_of(ANNA), game.deadline_of(BEN)) == (12 * S, 13 * S)
    late = exam(*seats, closes_at=Instant(12 * S)).begin(ANNA, BEN, at=5 * S)
    assert (late.deadline_of(ANNA), late.deadline_of(BEN)) == (12 * S, 14 * S)


def test_a_pause_does_not_move_the_closing_time() -> None:
    game = exam(closes_at=Instant(12 * S)).begin(ANNA, at=0).pause(5 * S)
    assert game.deadline == 12 * S
    assert states(game.until(12 * S)) == ["closed", "closed"]


def test_who_has_not_begun_is_closed_at_the_closing_time_without_grace() -> None:
    game = exam(closes_at=Instant(12 * S), grace_ms=Millis(S)).begin(ANNA, at=5 * S)
    assert states(game.until(12 * S)) == ["overdue", "closed"]
    with pytest.raises(WrongRunState, match="has already ended"):
        game.begin(BEN, at=12 * S)


def test_a_session_that_never_starts_ends_at_its_closing_time() -> None:
    game = play(sitting(total=10 * S, closes_at=Instant(20 * S))).until(21 * S)
    assert game.status is Status.EXPIRED
    assert game.session.session_completed_at == 20 * S


def test_a_limit_that_does_not_fit_before_the_close_is_refused() -> None:
    seats = [candidate(ANNA), candidate(BEN, extra_ms=Millis(1))]
    close = {"closes_at": Instant(10 * S)}
    with pytest.raises(RuleViolation) as refused:
        sitting(*seats, total=10 * S, **close)
    assert fields_of(refused.value) == [("participants.1.closes_at", "cut")]
    cut = play(sitting(*seats, total=10 * S, **close, allow_cut=True)).start()
    assert [cut.deadline_of(name) for name in (ANNA, BEN)] == [10 * S, 10 * S]
    later = candidate(BEN, extra_ms=Millis(1), closes_at=Instant(10_001))
    assert sitting(candidate(ANNA), later, total=10 * S, **close)


def test_a_newcomer_whose_limit_does_not_fit_needs_allow_cut() -> None:
    game = exam(closes_at=Instant(10 * S))
    with pytest.raises(RuleViolation) as refused:
        game.join(candidate(CLEO), at=S)
    assert fields_of(refused.value) == [("closes_at", "cut")]
    joined = game.do(c.AddParticipant(candidate(CLEO), allow_cut=True), S).begin(CLEO, at=S)
    assert joined.deadline_of(CLEO) == 10 * S


# Pauses


def test_a_pause_of_the_session_stops_all_who_run() -> None:
    game = exam().begin(ANNA, at=0).begin(BEN, at=S).pause(4 * S).resume(9 * S)
    assert [game.deadline_of(name) for name in (ANNA, BEN)] == [15 * S, 16 * S]


def test_a_pause_of_the_session_changes_no_participant() -> None:
    game = exam().begin(ANNA, at=0)
    paused = game.pause(4 * S)
    resumed = paused.resume(9 * S)
    for after in (paused, resumed):
        pairs = zip(game.session.participants, after.session.participants, strict=True)
        assert all(one is other for one, other in pairs)


def test_a_pause_before_somebody_begins_does_not_count_for_it() -> None:
    game = exam().begin(ANNA, at=0).pause(S).resume(3 * S).begin(BEN, at=4 * S)
    assert [game.deadline_of(name) for name in (ANNA, BEN)] == [12 * S, 14 * S]


def test_own_and_common_pauses_that_overlap_count_once() -> None:
    game = exam().begin(ANNA, at=0).rest(ANNA, at=2 * S).pause(3 * S).resume(5 * S)
    assert game.go_on(ANNA, at=6 * S).deadline_of(ANNA) == 14 * S
    other = exam().begin(ANNA, at=0).pause(2 * S).rest(ANNA, at=3 * S).resume(5 * S)
    assert other.go_on(ANNA, at=6 * S).deadline_of(ANNA) == 14 * S


def test_a_paused_participant_has_no_deadline() -> None:
    game = exam().begin(ANNA, at=0).rest(ANNA, at=2 * S).until(MINUTE)
    assert (game.deadline, game.clock(ANNA, MINUTE)) == (None, 8 * S)
    with pytest.raises(WrongRunState, match="is not running"):
        game.rest(ANNA, at=MINUTE)
    with pytest.raises(WrongRunState, match="is not paused"):
        game.go_on(BEN, at=MINUTE)


# Finish, reopen, forfeit


def test_the_session_is_completed_when_the_last_has_finished() -> None:
    game = race().finish(BEN, at=61_234)
    assert (game.status, game.own(BEN).used_ms) == (Status.RUNNING, 61_234)
    game = game.finish(ANNA, at=70_000)
    assert (game.status, game.session.session_completed_at) == (Status.COMPLETED, 70_000)


def test_it_is_completed_if_anybody_finished_and_expired_if_nobody_did() -> None:
    assert exam().begin(at=0).finish(ANNA, at=5).until(10 * S).status is Status.COMPLETED
    assert exam().begin(at=0).until(10 * S).status is Status.EXPIRED


def test_only_who_has_begun_can_finish_and_only_once() -> None:
    with pytest.raises(WrongRunState, match="has not begun"):
        exam().finish(ANNA, at=1)
    with pytest.raises(WrongRunState, match="has already ended"):
        race().finish(ANNA, at=1).finish(ANNA, at=2)
    with pytest.raises(UnknownParticipant):
        race().finish(CLEO, at=1)


def test_a_participant_can_finish_while_paused() -> None:
    game = exam().begin(ANNA, at=0)
    assert game.rest(ANNA, at=2 * S).finish(ANNA, at=9 * S).own(ANNA).used_ms == 2 * S
    assert game.pause(2 * S).finish(ANNA, at=9 * S).own(ANNA).used_ms == 2 * S


def test_an_undone_finish_is_as_if_it_had_not_been() -> None:
    game = exam().begin(ANNA, at=0).finish(ANNA, at=3 * S).reopen(ANNA, at=5 * S)
    assert (states(game)[0], game.deadline_of(ANNA)) == ("running", 10 * S)
    assert game.used(ANNA, 6 * S) == 3 * S  # stored as of the finish
    assert game.finish(ANNA, at=7 * S).own(ANNA).used_ms == 7 * S
    undone = race().finish(ANNA, at=60_000).reopen(ANNA, at=61_000).finish(ANNA, at=65_000)
    assert undone.own(ANNA).used_ms == 65_000
    assert undone.session.participants[0].used_ms == 65_000
    assert undone.session.participants[0].cycle_count == 1


def test_a_finish_after_a_pause_is_undone_from_the_finish_on() -> None:
    game = exam().begin(ANNA, at=0).rest(ANNA, at=2 * S).finish(ANNA, at=5 * S)
    assert game.reopen(ANNA, at=6 * S).deadline_of(ANNA) == 13 * S


def test_after_its_deadline_a_participant_needs_time_to_be_reopened() -> None:
    game = exam().begin(ANNA, at=0).finish(ANNA, at=3 * S)
    with pytest.raises(WrongRunState, match="has no time left"):
        game.reopen(ANNA, at=10 * S)
    closed = exam().begin(ANNA, at=0).until(12 * S)
    with pytest.raises(WrongRunState, match="has no time left"):
        closed.reopen(ANNA, at=12 * S)
    given = closed.give(ANNA, add=4 * S, at=13 * S)
    assert states(given)[0] == "closed"
    assert given.reopen(ANNA, at=15 * S).deadline_of(ANNA) == 19 * S


def test_a_late_finish_is_undone_while_grace_lasts() -> None:
    game = exam(grace_ms=Millis(3 * S)).begin(ANNA, at=0).finish(ANNA, at=11 * S)
    again = game.reopen(ANNA, at=12 * S)
    assert again.own(ANNA).state is RunState.OVERDUE
    assert again.finish(ANNA, at=12_500).own(ANNA).late_ms == 2_500
    with pytest.raises(WrongRunState):
        game.reopen(ANNA, at=13 * S)


def test_nobody_is_reopened_after_the_closing_time_or_the_end() -> None:
    game = exam(closes_at=Instant(12 * S)).begin(ANNA, at=3 * S).finish(ANNA, at=4 * S)
    with pytest.raises(InvalidTransition):  # it has ended: the other one is closed
        game.reopen(ANNA, at=12 * S)
    own = [candidate(ANNA, closes_at=Instant(12 * S)), candidate(BEN)]
    game = exam(*own).begin(ANNA, at=3 * S).finish(ANNA, at=4 * S)
    with pytest.raises(WrongRunState, match="after its closing time"):
        game.reopen(ANNA, at=12 * S)


def test_a_forfeit_is_a_close_without_a_finish_and_can_be_reopened() -> None:
    game = race().forfeit(ANNA, at=5 * S)
    assert (states(game), game.own(ANNA).finished_at) == (["closed", "running"], None)
    assert game.last_change.type is EventType.PARTICIPANT_CLOSED
    assert game.last_change.metadata == {"reason": "forfeit"}
    assert not game.expiries
    assert game.reopen(ANNA, at=6 * S).finish(ANNA, at=7 * S).own(ANNA).used_ms == 7 * S
    absent = exam().forfeit(BEN, at=1)
    assert absent.reopen(BEN, at=2).own(BEN).state is RunState.NOT_BEGUN
    with pytest.raises(WrongRunState, match="has not ended"):
        game.reopen(BEN, at=6 * S)


@pytest.mark.parametrize("end", [c.Complete(), c.Cancel()])
def test_the_end_of_the_session_closes_all_who_have_not_finished(end: c.Command) -> None:
    game = race(*map(candidate, (ANNA, BEN, CLEO))).finish(BEN, at=2 * S).do(end, 5 * S)
    assert states(game) == ["closed", "finished", "closed"]
    assert [p.used_ms for p in game.session.participants] == [5 * S, 2 * S, 5 * S]


# Rounds: simultaneous turns


def test_with_rounds_who_has_finished_begins_again_with_full_time() -> None:
    game = exam(rounds=True).begin(at=0).finish(ANNA, at=2 * S).finish(BEN, at=3 * S)
    assert game.status is Status.RUNNING
    game = game.begin(ANNA, BEN, at=20 * S)
    assert game.deadline == 30 * S
    game = game.finish(ANNA, at=24 * S)
    anna = game.session.participants[0]
    assert (anna.cycle_count, anna.used_ms, game.own(ANNA).used_ms) == (2, 6 * S, 4 * S)


def test_with_rounds_a_missed_deadline_does_not_end_the_session() -> None:
    game = exam(rounds=True).begin(at=0).until(10 * S)
    assert (states(game), game.status) == (["closed", "closed"], Status.RUNNING)
    assert game.begin(at=11 * S).deadline == 21 * S
    assert game.complete(at=12 * S).status is Status.COMPLETED


# Corrections


def test_time_for_all_is_the_same_ms_for_each_who_is_not_done() -> None:
    seats = [candidate(ANNA, factor_permille=1_500), candidate(BEN), candidate(CLEO)]
    game = exam(*seats).begin(ANNA, BEN, at=0).finish(BEN, at=S)
    given = game.give(add=5 * S, at=2 * S)
    assert given.deadline_of(ANNA) == 20 * S
    assert given.begin(CLEO, at=3 * S).deadline_of(CLEO) == 18 * S
    assert given.own(BEN).given_ms == 0


def test_scaled_time_is_multiplied_by_the_factor_and_rounded_down() -> None:
    seats = [candidate(ANNA, factor_permille=1_250), candidate(BEN)]
    game = exam(*seats).begin(at=0).give(add=1_001, at=S, scaled=True)
    assert [game.own(name).given_ms for name in (ANNA, BEN)] == [1_251, 1_001]
    assert game.last_change.metadata is not None
    assert game.last_change.metadata["scaled"] is True


def test_scaled_is_for_individual_and_for_added_time() -> None:
    with pytest.raises(RuleViolation) as refused:
        play(chess(60_000)).start().give(add=S, at=0, scaled=True)
    assert fields_of(refused.value) == [("scaled", "not_allowed")]
    with pytest.raises(RuleViolation) as refused:
        exam().do(c.AdjustClocks(set_ms=Millis(S), scaled=True), 0)
    assert fields_of(refused.value) == [("scaled", "not_allowed")]


def test_an_overdue_participant_who_gains_time_runs_again_from_now() -> None:
    game = exam(grace_ms=Millis(3 * S)).begin(ANNA, at=0).give(ANNA, add=S, at=11 * S)
    assert (states(game)[0], game.deadline_of(ANNA)) == ("running", 12 * S)
    assert game.finish(ANNA, at=11_500).own(ANNA).late_ms is None


def test_a_clock_that_would_have_no_time_left_is_named_and_nothing_changes() -> None:
    game = exam().begin(ANNA, at=0)
    with pytest.raises(RuleViolation) as refused:
        game.give(add=-8 * S, at=2 * S)
    assert [v.message for v in refused.value.violations] == [
        "would leave participant anna with 0ms, and must leave more than 0ms"
    ]


def test_a_limit_can_be_set_and_the_closing_time_still_cuts_it() -> None:
    game = exam(closes_at=Instant(30 * S)).begin(ANNA, at=0).adjust(ANNA, 20 * S, at=5 * S)
    assert game.deadline_of(ANNA) == 25 * S
    assert game.adjust(ANNA, 40 * S, at=6 * S).deadline_of(ANNA) == 30 * S


def test_a_session_without_a_limit_has_no_time_to_give() -> None:
    with pytest.raises(RuleViolation) as refused:
        race().give(add=S, at=0)
    assert fields_of(refused.value) == [("to", "not_allowed")]
    with pytest.raises(RuleViolation) as refused:
        race().give(ANNA, add=S, at=0)
    assert fields_of(refused.value) == [("to", "not_allowed")]
    with pytest.raises(RuleViolation) as refused:
        race().adjust(ANNA, S, at=0)
    assert fields_of(refused.value) == [("total_time_ms", "not_allowed")]


def test_an_expired_session_is_not_reopened_as_a_whole() -> None:
    game = exam().begin(at=0).until(10 * S)
    with pytest.raises(RuleViolation) as refused:
        game.give(add=S, at=11 * S, reopen=True)
    assert fields_of(refused.value) == [("reopen", "not_allowed")]


# What the mode doesn't have


def test_there_are_no_turns() -> None:
    game = exam().begin(ANNA, at=0)
    assert game.active is None
    with pytest.raises(InvalidTransition, match="has no turns"):
        game.switch(at=1)
    with pytest.raises(RuleViolation) as refused:
        game.do(c.UpdateParticipant(ANNA, is_retired=True), 1)
    assert fields_of(refused.value) == [("is_retired", "not_allowed")]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"time_per_cycle_ms": Millis(S)}, "time_per_cycle_ms"),
        ({"increment_ms": Millis(S)}, "increment_ms"),
        ({"max_time_ms": Millis(S)}, "max_time_ms"),
        ({"active_participant_id": ANNA}, "active_participant_id"),
        ({"auto_advance": True}, "auto_advance"),
        ({"overtime": True}, "overtime"),
        ({"warn_at_ms": (Millis(-S),)}, "warn_at_ms.0"),
        ({"programme": Programme((item("talk", S),))}, "items"),
        (
            {"action_on_timeout": TimeoutAction(TimeoutKind.END_SESSION)},
            "action_on_timeout.type",
        ),
        ({"closes_at": Instant(0)}, "closes_at"),
        ({"closes_at": Instant(30 * DAY + 1)}, "closes_at"),
    ],
)
def test_a_creation_names_each_field_that_the_mode_refuses(
    options: dict[str, Any], field: str
) -> None:
    with pytest.raises(RuleViolation) as refused:
        sitting(**options)
    assert [name for name, _ in fields_of(refused.value)] == [field]


def test_a_participant_has_no_bank_and_no_extra_time_without_a_limit() -> None:
    with pytest.raises(RuleViolation) as refused:
        sitting(seat(ANNA, 60_000), candidate(BEN, extra_ms=Millis(S)))
    assert fields_of(refused.value) == [
        ("participants.0.total_time_ms", "not_allowed"),
        ("participants.1.extra_ms", "not_allowed"),
    ]


def test_an_action_that_needs_turns_cannot_be_set_later() -> None:
    command = c.UpdateSession(action_on_timeout=TimeoutAction(TimeoutKind.SKIP_CYCLE))
    with pytest.raises(RuleViolation) as refused:
        exam().do(command, 0)
    assert fields_of(refused.value) == [("action_on_timeout.type", "not_allowed")]


@pytest.mark.parametrize(
    "command",
    [
        c.BeginParticipants((ANNA,)),
        c.FinishParticipant(ANNA),
        c.ReopenParticipant(ANNA),
        c.PauseParticipant(ANNA),
        c.ResumeParticipant(ANNA),
    ],
)
def test_other_modes_have_no_clocks_to_begin_or_finish(command: c.Command) -> None:
    with pytest.raises(RuleViolation) as refused:
        play(chess(60_000)).start().do(command, 1)
    assert fields_of(refused.value) == [("participant_id", "not_allowed")]


# Leaving


def test_who_is_under_way_cannot_be_removed() -> None:
    game = exam().begin(ANNA, at=0)
    with pytest.raises(ActiveParticipant):
        game.do(c.RemoveParticipant(ANNA), 1)
    assert game.do(c.RemoveParticipant(BEN), 1).session.find(BEN) is None


def test_the_session_ends_when_the_last_who_is_not_done_leaves() -> None:
    game = exam().begin(ANNA, at=0).finish(ANNA, at=2 * S).do(c.RemoveParticipant(BEN), 3 * S)
    assert (game.status, game.session.session_completed_at) == (Status.COMPLETED, 3 * S)


# Storing and showing


def test_a_change_of_one_leaves_all_others_the_same_objects() -> None:
    seats = [candidate(f"p{number}") for number in range(1_000)]
    game = exam(*seats).begin(at=0)
    for changed in (
        game.finish("p7", at=S),
        game.rest("p7", at=S),
        game.give("p7", add=S, at=S),
        game.forfeit("p7", at=S),
    ):
        pairs = zip(game.session.participants, changed.session.participants, strict=True)
        assert [one.participant_id for one, other in pairs if one is not other] == ["p7"]


def test_a_session_is_kept_until_the_last_can_have_been_closed() -> None:
    pending = sitting(total=10 * S, closes_at=Instant(20 * DAY), grace_ms=Millis(MINUTE))
    assert retention_ms(pending) == 21 * DAY + MINUTE
    assert next_wakeup(pending) == 20 * DAY
    assert retention_ms(exam().begin(ANNA, at=0).session) == DAY + 10 * S


def _clock(session: Session, at: int) -> dict[str, Any]:
    shown = at_time(session, Instant(at))
    clock = clocks_of(shown).drawn(shown).participants[0]
    assert clock is not None
    hold = {"hold": clock.hold_ms} if clock.hold_ms else {}
    ceiling = {} if clock.ceiling_ms is None else {"ceiling": clock.ceiling_ms}
    return {"left": clock.left_ms, "rate": clock.rate, **hold, **ceiling}


def test_a_clock_that_stands_is_drawn_toward_the_closing_time_when_that_is_nearer() -> None:
    closes_at = Instant(30 * S)
    waiting = exam(closes_at=closes_at).session
    assert _clock(waiting, 5 * S) == {"left": 10 * S, "rate": -1, "hold": 15 * S}
    assert _clock(waiting, 25 * S) == {"left": 5 * S, "rate": -1}
    running = exam(closes_at=closes_at).begin(ANNA, at=2 * S)
    assert _clock(running.session, 4 * S) == {"left": 8 * S, "rate": -1}
    resting = running.rest(ANNA, at=4 * S)
    assert _clock(resting.session, 4 * S) == {"left": 8 * S, "rate": -1, "hold": 18 * S}
    assert _clock(running.finish(ANNA, at=4 * S).session, 9 * S) == {"left": 8 * S, "rate": 0}
    assert _clock(running.until(12 * S).session, 12 * S) == {"left": 0, "rate": 0}


def test_without_a_limit_a_clock_counts_up_to_the_closing_time() -> None:
    game = race(closes_at=Instant(30 * S))
    assert _clock(game.session, 4 * S) == {"left": 4 * S, "rate": 1, "ceiling": 30 * S}
    assert _clock(race().session, 4 * S) == {"left": 4 * S, "rate": 1}
    assert _clock(game.finish(ANNA, at=7 * S).session, 9 * S) == {"left": 7 * S, "rate": 0}


def test_the_sessions_clock_is_that_of_who_began_at_the_start() -> None:
    together = play(sitting(total=10 * S)).start()
    shown = at_time(together.session, Instant(4 * S))
    clock = clocks_of(shown).drawn(shown).session
    assert clock is not None
    assert (clock.left_ms, clock.rate) == (6 * S, -1)
    each = exam()
    assert clocks_of(each.session).drawn(each.session).session is None


@pytest.mark.parametrize(
    ("command", "left"),
    [
        (c.AdjustClocks(add_ms=Millis(5 * S)), 11 * S),
        (c.AdjustClocks(add_ms=Millis(5 * S), scaled=True), 11 * S),
        (c.AdjustClocks(add_ms=Millis(-2 * S)), 4 * S),
        (c.AdjustClocks(set_ms=Millis(30 * S)), 30 * S),
        (c.AdjustClocks(c.ClockTarget(participants=(ANNA,)), add_ms=Millis(5 * S)), 6 * S),
    ],
)
def test_time_that_all_were_given_is_on_the_sessions_clock(
    command: c.AdjustClocks, left: int
) -> None:
    seats = [candidate(ANNA), candidate(BEN, factor_permille=1_500)]
    game = play(sitting(*seats, total=10 * S)).start().do(command, at=4 * S)
    shown = at_time(game.session, Instant(4 * S))
    clock = clocks_of(shown).drawn(shown).session
    assert clock is not None
    assert (clock.left_ms, clock.rate) == (left, -1)


def test_time_for_all_comes_too_late_for_the_sessions_clock_if_nobody_can_use_it() -> None:
    seats = [candidate(ANNA), candidate(BEN, extra_ms=60 * S)]
    game = play(sitting(*seats, total=10 * S)).start().until(12 * S)
    game = game.do(c.AdjustClocks(add_ms=Millis(5 * S)), at=12 * S)
    clock = clocks_of(game.session).drawn(game.session).session
    assert clock is not None
    assert (clock.left_ms, clock.rate) == (0, 0)


def test_warnings_come_for_each_clock() -> None:
    seats = [candidate(ANNA), candidate(BEN)]
    game = exam(*seats, warn_at_ms=(Millis(2 * S),)).begin(ANNA, at=0).begin(BEN, at=S)
    game = game.until(10 * S)
    assert game.warned_at == [(8 * S, 2 * S), (9 * S, 2 * S)]


def test_a_round_begins_with_the_number_of_its_question_in_one_version() -> None:
    before = exam(seat(ANNA), seat(BEN), metadata={"question": 1})
    both = before.do(c.BeginParticipants(metadata={"question": 2}), at=5)
    assert both.session.metadata == {"question": 2}
    assert both.session.version == before.session.version + 1
    assert both.last_change.metadata == {"participants": [ANNA, BEN], "fields": ["metadata"]}
    one = before.do(c.BeginParticipants((ANNA,), {"question": 2}), at=5)
    assert (one.last_change.side.participant_id, one.last_change.metadata) == (
        ANNA,
        {"fields": ["metadata"]},
    )

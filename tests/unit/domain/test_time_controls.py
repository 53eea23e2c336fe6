"""Time controls: which source a turn draws on, and what its end gives back, to the ms."""

from typing import Any

import pytest

from shared.domain import commands as c
from shared.domain.clocks import clocks_of
from shared.domain.creation import create
from shared.domain.errors import RuleViolation
from shared.domain.events import EventType, PeriodEnded, SessionChange
from shared.domain.session import Session, Status, SyncMode
from shared.domain.time_budget import Clock, Phase
from shared.domain.time_control import Overtime, Stage, StartOn, TimeControl
from shared.domain.timekeeping import abort_at, at_time, next_wakeup, retention_ms
from shared.domain.units import DAY, HOUR, Instant, Millis
from shared.domain.values import replace
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    BLUE,
    CLEO,
    RED,
    Play,
    create_command,
    fields_of,
    on_timeout,
    open_session,
    play,
    seat,
)


def controlled(bank: int, control: TimeControl, **options: Any) -> Play:
    """Anna and Ben with one bank each; Anna starts at 0."""
    seats = (seat(ANNA, bank), seat(BEN, bank))
    session = open_session(SyncMode.PER_PARTICIPANT, *seats, time_control=control, **options)
    return play(session).start()


def byo_yomi(period: int, periods: int) -> TimeControl:
    return TimeControl(overtime=Overtime(period_ms=Millis(period), periods=periods))


def canadian(period: int, turns: int) -> TimeControl:
    return TimeControl(overtime=Overtime(period_ms=Millis(period), turns=turns))


def bank(position: Play, name: str, at: int) -> int:
    """The participant's bank at `at`, ms."""
    participant = at_time(position.until(at).session, Instant(at)).find(name)
    assert participant is not None
    return participant.bank_ms or 0


def clock(position: Play, name: str, at: int) -> Clock:
    """The clock that clients draw from the state at `at`."""
    session = at_time(position.until(at).session, Instant(at))
    names = [participant.participant_id for participant in session.participants]
    found = clocks_of(session).drawn(session).participants[names.index(name)]
    assert found is not None
    return found


def periods_left(position: Play, name: str, at: int) -> int:
    session = at_time(position.until(at).session, Instant(at))
    participant = session.find(name)
    assert participant is not None
    return session.budget_of(participant).periods_left


def period_ends(position: Play) -> list[tuple[int, int]]:
    """Instant and periods left of each end of a period."""
    return [
        (step.occurred_at, step.periods_left)
        for step in position.steps
        if isinstance(step, PeriodEnded)
    ]


class TestDelay:
    """Simple delay: the first part of each turn is free."""

    control = TimeControl(delay_ms=Millis(5_000))

    def test_a_turn_within_the_delay_costs_nothing(self) -> None:
        assert bank(controlled(60_000, self.control).switch(at=5_000), ANNA, 5_000) == 60_000

    def test_the_rest_of_the_turn_is_drawn_from_the_bank(self) -> None:
        assert bank(controlled(60_000, self.control).switch(at=7_000), ANNA, 7_000) == 58_000

    def test_the_deadline_includes_the_delay(self) -> None:
        assert controlled(60_000, self.control).deadline == 65_000

    def test_each_turn_has_the_full_delay(self) -> None:
        position = controlled(60_000, self.control).switch(at=4_000).switch(at=8_000)
        assert position.deadline == 8_000 + 65_000

    def test_a_pause_neither_restarts_nor_refills_the_delay(self) -> None:
        position = controlled(60_000, self.control).pause(at=3_000).resume(at=100_000)
        assert position.deadline == 100_000 + 2_000 + 60_000
        assert bank(position.pause(at=101_000).resume(at=200_000), ANNA, 202_000) == 59_000

    def test_the_clock_holds_for_the_rest_of_the_delay(self) -> None:
        assert clock(controlled(60_000, self.control), ANNA, 1_000) == Clock(
            60_000, -1, Millis(4_000)
        )

    def test_the_clock_of_the_one_who_waits_does_not_hold(self) -> None:
        assert clock(controlled(60_000, self.control), BEN, 1_000) == Clock(60_000, 0)


class TestBronstein:
    """A switch gives back what the turn took, up to a limit."""

    control = TimeControl(give_back_ms=Millis(5_000))

    @pytest.mark.parametrize(
        ("spent", "left"), [(0, 60_000), (5_000, 60_000), (7_000, 58_000), (60_000 - 1, 5_001)]
    )
    def test_at_most_the_time_of_the_turn_comes_back(self, spent: int, left: int) -> None:
        assert bank(controlled(60_000, self.control).switch(at=spent), ANNA, spent) == left

    def test_the_flag_falls_when_the_bank_is_empty(self) -> None:
        position = controlled(60_000, self.control)
        assert position.deadline == 60_000
        assert bank(position.switch(at=60_000), ANNA, 60_000) == 0

    def test_a_turn_with_a_pause_is_as_long_as_its_parts(self) -> None:
        position = controlled(60_000, self.control).pause(at=2_000).resume(at=50_000)
        assert bank(position.switch(at=54_000), ANNA, 54_000) == 59_000


class TestFischer:
    """An increment, perhaps from the start and with a largest bank."""

    def test_the_increment_is_added_at_the_start_if_asked_for(self) -> None:
        control = TimeControl(increment_ms=Millis(30_000), first_turn=True)
        position = controlled(60_000, control)
        assert (bank(position, ANNA, 0), bank(position, BEN, 0)) == (90_000, 90_000)
        assert bank(position.switch(at=10_000), ANNA, 10_000) == 110_000

    def test_a_bank_grows_only_to_the_largest_one(self) -> None:
        control = TimeControl(increment_ms=Millis(30_000), max_bank_ms=Millis(70_000))
        assert bank(controlled(60_000, control).switch(at=0), ANNA, 0) == 70_000

    def test_a_bank_above_the_largest_one_is_not_reduced(self) -> None:
        control = TimeControl(increment_ms=Millis(30_000), max_bank_ms=Millis(50_000))
        assert bank(controlled(60_000, control).switch(at=1_000), ANNA, 1_000) == 59_000

    def test_the_session_shows_the_increment_as_before(self) -> None:
        session = controlled(60_000, TimeControl(increment_ms=Millis(2_000))).session
        assert session.increment_ms == 2_000


class TestByoYomi:
    """Periods after the bank; a turn that ends within one doesn't use it up."""

    control = byo_yomi(30_000, 3)

    def test_the_deadline_includes_all_periods(self) -> None:
        assert controlled(10_000, self.control).deadline == 10_000 + 90_000

    def test_a_switch_within_a_period_fills_it(self) -> None:
        position = controlled(10_000, self.control).switch(at=39_999)
        assert periods_left(position, ANNA, 39_999) == 3
        assert clock(position, ANNA, 39_999) == Clock(30_000, 0, phases=(Phase(Millis(30_000), 2),))

    def test_a_period_that_is_used_up_exactly_is_gone(self) -> None:
        position = controlled(10_000, self.control).switch(at=40_000)
        assert periods_left(position, ANNA, 40_000) == 2

    def test_several_periods_may_end_in_one_turn(self) -> None:
        position = controlled(10_000, self.control).switch(at=99_999)
        assert periods_left(position, ANNA, 99_999) == 1
        assert period_ends(position) == [(40_000, 2), (70_000, 1)]

    def test_the_end_of_the_last_period_is_the_flag_and_makes_one_version(self) -> None:
        position = controlled(10_000, self.control).until(200_000)
        assert position.expired_at == [(100_000, ANNA)]
        assert position.session.version == 3
        assert clock(position, ANNA, 200_000) == Clock(0, 0)

    def test_a_pause_fills_no_period(self) -> None:
        position = controlled(10_000, self.control).pause(at=35_000).resume(at=100_000)
        assert position.deadline == 100_000 + 65_000
        assert clock(position, ANNA, 100_000).left_ms == 5_000

    def test_before_and_in_overtime_the_clock_shows_the_phases_to_come(self) -> None:
        position = controlled(10_000, self.control)
        assert clock(position, ANNA, 4_000) == Clock(
            6_000, -1, phases=(Phase(Millis(30_000), 1), Phase(Millis(30_000), 2))
        )
        assert clock(position, ANNA, 50_000) == Clock(
            20_000, -1, phases=(Phase(Millis(30_000), 1),)
        )

    def test_an_adjusted_bank_leaves_overtime_and_keeps_the_periods(self) -> None:
        position = controlled(10_000, self.control).until(50_000).adjust(ANNA, 7_000, at=50_000)
        assert periods_left(position, ANNA, 50_000) == 2
        assert position.deadline == 50_000 + 7_000 + 20_000 + 30_000

    def test_a_switch_with_time_in_the_bank_fills_the_period_too(self) -> None:
        position = controlled(10_000, byo_yomi(30_000, 1)).until(38_000)
        position = position.give(ANNA, add=60_000, at=38_000).switch(at=48_000)
        anna = position.session.participants[0]
        assert (anna.bank_ms, anna.reserve.period_ms) == (50_000, 30_000)
        assert position.clock(ANNA, at=48_000) == 80_000

    def test_a_switch_fills_no_period_if_none_is_left(self) -> None:
        command = c.AdjustTime(ANNA, Millis(7_000), overtime_periods=0)
        position = controlled(10_000, self.control).do(command, 1_000).switch(at=3_000)
        assert position.session.participants[0].reserve.period_ms == 0
        assert position.clock(ANNA, at=3_000) == 5_000

    @pytest.mark.parametrize("periods", [0, 1, 3])
    def test_the_number_of_periods_may_be_set(self, periods: int) -> None:
        command = c.AdjustTime(ANNA, Millis(7_000), overtime_periods=periods)
        position = controlled(10_000, self.control).do(command, 1_000)
        assert periods_left(position, ANNA, 1_000) == periods
        assert position.deadline == 1_000 + 7_000 + periods * 30_000

    def test_more_periods_than_the_control_has_are_refused(self) -> None:
        command = c.AdjustTime(ANNA, Millis(7_000), overtime_periods=4)
        with pytest.raises(RuleViolation) as refused:
            controlled(10_000, self.control).do(command, 1_000)
        assert fields_of(refused.value) == [("overtime_periods", "too_big")]

    def test_a_bank_may_be_empty_from_the_start(self) -> None:
        assert controlled(0, byo_yomi(15_000, 5)).deadline == 75_000

    def test_a_warning_counts_down_to_the_flag(self) -> None:
        warned = controlled(10_000, self.control, warn_at_ms=(Millis(10_000),)).until(99_000)
        assert warned.warned_at == [(90_000, 10_000)]

    def test_a_warning_and_the_end_of_a_period_may_coincide(self) -> None:
        position = controlled(10_000, self.control, warn_at_ms=(Millis(30_000),)).until(70_000)
        assert position.warned_at == [(70_000, 30_000)]
        assert period_ends(position) == [(40_000, 2), (70_000, 1)]

    def test_the_session_wakes_for_the_end_of_each_period(self) -> None:
        position = controlled(10_000, self.control)
        assert next_wakeup(position.session) == 40_000
        assert next_wakeup(position.until(40_000).session) == 70_000
        assert next_wakeup(position.until(70_000).session) == 100_000


class TestCanadian:
    """Blocks of turns after the bank."""

    control = canadian(60_000, 3)

    def test_the_turn_in_which_the_bank_runs_out_counts(self) -> None:
        position = controlled(10_000, self.control).switch(at=15_000)
        anna = position.session.find(ANNA)
        assert anna is not None
        assert (anna.reserve.period_ms, anna.reserve.block_turns) == (55_000, 2)

    def test_the_last_turn_of_a_block_fills_its_time_and_turns(self) -> None:
        position = controlled(10_000, self.control)
        for at in (15_000, 16_000, 30_000, 31_000, 40_000):
            position = position.switch(at=at)
        anna = position.session.find(ANNA)
        assert anna is not None
        assert (anna.reserve.period_ms, anna.reserve.block_turns) == (60_000, 3)

    def test_a_turn_within_the_bank_does_not_count(self) -> None:
        position = controlled(10_000, self.control).switch(at=9_999)
        anna = position.session.find(ANNA)
        assert anna is not None
        assert anna.reserve.block_turns == 3

    def test_the_flag_falls_at_the_end_of_the_block(self) -> None:
        assert controlled(10_000, self.control).until(80_000).expired_at == [(70_000, ANNA)]


class TestOvertimeBank:
    """One more bank, shown below zero."""

    control = TimeControl(overtime=Overtime(extra_ms=Millis(60_000)))

    def test_the_clock_goes_below_zero_down_to_its_floor(self) -> None:
        position = controlled(10_000, self.control)
        assert clock(position, ANNA, 4_000) == Clock(6_000, -1, floor_ms=-60_000)
        assert clock(position, ANNA, 30_000) == Clock(-20_000, -1, floor_ms=-60_000)
        assert clock(position, ANNA, 90_000) == Clock(-60_000, 0, floor_ms=-60_000)

    def test_it_is_never_filled_again(self) -> None:
        position = controlled(10_000, self.control).switch(at=30_000).switch(at=31_000)
        assert position.deadline == 31_000 + 40_000


class TestStages:
    """More time, or another increment, after a number of the owner's turns."""

    control = TimeControl(
        stages=(Stage(2, Millis(30_000), Millis(5_000)), Stage(3, Millis(10_000)))
    )

    def test_the_switch_that_completes_the_turns_adds_time_and_the_new_increment(self) -> None:
        position = controlled(60_000, self.control).switch(at=1_000).switch(at=2_000)
        assert bank(position, ANNA, 2_000) == 59_000
        position = position.switch(at=3_000)
        assert bank(position, ANNA, 3_000) == 58_000 + 30_000 + 5_000
        position = position.switch(at=4_000).switch(at=5_000)
        assert bank(position, ANNA, 5_000) == 93_000 - 1_000 + 10_000 + 5_000

    def test_turns_are_counted_for_each_owner(self) -> None:
        position = controlled(60_000, self.control).switch(at=1_000).switch(at=2_000)
        assert bank(position, BEN, 2_000) == 59_000

    def test_an_expired_owner_gets_the_time_of_the_stage_and_no_increment(self) -> None:
        position = controlled(
            10_000, TimeControl(stages=(Stage(1, Millis(30_000), Millis(5_000)),))
        )
        position = position.switch(at=15_000)
        assert position.expired_at == [(10_000, ANNA)]
        assert bank(position, ANNA, 15_000) == 30_000


class TestHourglass:
    """One owner's loss is the other one's gain."""

    control = TimeControl(hourglass=True)

    def test_the_sum_of_both_clocks_never_changes(self) -> None:
        position = controlled(60_000, self.control).switch(at=10_000).switch(at=35_000)
        for at in (35_000, 50_000):
            assert bank(position, ANNA, at) + bank(position, BEN, at) == 120_000
        assert bank(position, BEN, 35_000) == 45_000

    def test_the_clock_of_the_one_who_waits_runs_up_to_the_other_ones_end(self) -> None:
        position = controlled(60_000, self.control)
        assert clock(position, ANNA, 10_000) == Clock(50_000, -1)
        assert clock(position, BEN, 10_000) == Clock(70_000, 1, ceiling_ms=Millis(120_000))

    def test_a_clock_at_zero_stops_both(self) -> None:
        position = controlled(60_000, self.control).until(70_000)
        assert clock(position, BEN, 70_000) == Clock(120_000, 0)

    def test_a_third_participant_cannot_join(self) -> None:
        with pytest.raises(RuleViolation) as refused:
            controlled(60_000, self.control).join(seat(CLEO, 60_000), at=1_000)
        assert fields_of(refused.value) == [("participant_id", "full")]


class TestFirstTurn:
    """The clocks stand still until the first switch."""

    control = TimeControl(
        increment_ms=Millis(5_000),
        start_on=StartOn.FIRST_TURN,
        first_turn_within_ms=Millis(30_000),
    )

    def test_the_first_turn_costs_and_gains_nothing(self) -> None:
        position = controlled(60_000, self.control)
        assert position.deadline is None
        position = position.switch(at=20_000)
        assert (bank(position, ANNA, 20_000), position.deadline) == (60_000, 80_000)
        assert position.used(ANNA, 20_000) == 0

    def test_a_delay_ends_with_the_free_turn(self) -> None:
        control = TimeControl(delay_ms=Millis(5_000), start_on=StartOn.FIRST_TURN)
        position = controlled(60_000, control).switch(at=3_000)
        assert position.session.participants[0].reserve.delay_ms == 0
        assert position.clock(ANNA, at=3_000) == 60_000
        assert position.switch(at=4_000).deadline == 69_000

    def test_a_stage_that_the_free_turn_completes_adds_its_time_and_no_increment(self) -> None:
        stage = Stage(1, Millis(30_000), Millis(1_000))
        control = replace(self.control, stages=(stage,), max_bank_ms=Millis(80_000))
        position = controlled(60_000, control).switch(at=2_000)
        assert bank(position, ANNA, 2_000) == 80_000
        position = position.switch(at=3_000).switch(at=4_000)
        assert [bank(position, who, 4_000) for who in (ANNA, BEN)] == [80_000, 80_000]

    def test_an_undo_takes_the_time_of_that_stage_back(self) -> None:
        control = TimeControl(start_on=StartOn.FIRST_TURN, stages=(Stage(1, Millis(30_000)),))
        position = controlled(60_000, control).switch(at=2_000).undo("turn_start", at=3_000)
        assert bank(position, ANNA, 3_000) == 60_000

    def test_without_a_first_turn_the_session_is_cancelled_at_that_instant(self) -> None:
        position = controlled(60_000, self.control)
        assert next_wakeup(position.session) == 30_000
        ended = position.until(99_000)
        assert (ended.status, ended.session.session_completed_at) == (Status.CANCELLED, 30_000)
        change = ended.last_change
        assert (change.type, change.is_automatic) == (EventType.SESSION_CANCELLED, True)
        assert change.metadata == {"reason": "no first turn"}

    def test_a_pause_stops_that_wait(self) -> None:
        position = controlled(60_000, self.control).pause(at=10_000).resume(at=50_000)
        assert abort_at(position.session) == 70_000

    def test_all_clocks_stand_still(self) -> None:
        position = controlled(60_000, self.control)
        assert {clock(position, name, 9_000).rate for name in (ANNA, BEN)} == {0}


class TestDaysPerTurn:
    """One period that every switch fills again."""

    def test_each_turn_has_three_days(self) -> None:
        three_days = 3 * DAY
        position = controlled(0, byo_yomi(three_days, 1)).switch(at=DAY)
        assert position.deadline == DAY + three_days
        assert retention_ms(position.session) == three_days + DAY


class TestOdds:
    """A participant or group may have a time control of its own."""

    def test_a_participant_plays_by_its_own_control_alone(self) -> None:
        anna = c.NewParticipant(ANNA, None, Millis(60_000), None, TimeControl(delay_ms=Millis(9)))
        session = open_session(
            SyncMode.PER_PARTICIPANT,
            anna,
            seat(BEN, 30_000),
            time_control=TimeControl(increment_ms=Millis(1_000)),
        )
        position = play(session).start().switch(at=1_000).switch(at=2_000)
        assert bank(position, ANNA, 2_000) == 60_000 - 991
        assert bank(position, BEN, 2_000) == 30_000

    def test_a_group_plays_by_its_own_control(self) -> None:
        session = open_session(
            SyncMode.PER_GROUP,
            seat(ANNA, group=RED),
            seat(BEN, 60_000, group=BLUE),
            groups=(c.NewGroup(RED, Millis(5_000), byo_yomi(30_000, 2)),),
        )
        position = play(session).start()
        assert position.deadline == 65_000
        position = position.switch(at=6_000)
        assert position.deadline == 66_000

    def test_a_newcomer_begins_with_its_overtime(self) -> None:
        position = controlled(10_000, byo_yomi(30_000, 2)).join(seat(CLEO, 5_000), at=1_000)
        assert periods_left(position, CLEO, 1_000) == 2


def refused_fields(control: TimeControl, *banks: int, **options: Any) -> list[tuple[str, str]]:
    seats = [seat(name, bank) for name, bank in zip((ANNA, BEN, CLEO), banks, strict=False)]
    mode = options.pop("mode", SyncMode.PER_PARTICIPANT)
    command = create_command(mode, *seats, time_control=control, **options)
    with pytest.raises(RuleViolation) as refused:
        create(command, Instant(0))
    return fields_of(refused.value)


_MS = Millis(1_000)


@pytest.mark.parametrize(
    ("control", "field", "code"),
    [
        (TimeControl(delay_ms=_MS, increment_ms=_MS), "increment_ms", "not_allowed"),
        (TimeControl(delay_ms=_MS, give_back_ms=_MS), "give_back_ms", "not_allowed"),
        (
            TimeControl(give_back_ms=_MS, stages=(Stage(1, _MS, Millis(0)), Stage(2, _MS, _MS))),
            "stages.1.increment_ms",
            "not_allowed",
        ),
        (
            TimeControl(delay_ms=_MS, increment_ms=_MS, stages=(Stage(1, _MS, _MS),)),
            "increment_ms",
            "not_allowed",
        ),
        (TimeControl(first_turn=True), "first_turn", "not_allowed"),
        (TimeControl(hourglass=True, delay_ms=_MS), "delay_ms", "not_allowed"),
        (TimeControl(overtime=Overtime(period_ms=_MS)), "overtime", "one_of_three"),
        (TimeControl(overtime=Overtime(periods=2)), "overtime.period_ms", "missing"),
        (
            TimeControl(overtime=Overtime(period_ms=_MS, extra_ms=_MS)),
            "overtime.period_ms",
            "not_allowed",
        ),
        (
            TimeControl(overtime=Overtime(period_ms=_MS, periods=1, turns=2)),
            "overtime",
            "one_of_three",
        ),
        (
            TimeControl(overtime=Overtime(period_ms=DAY, periods=31)),
            "overtime",
            "too_large",
        ),
        (
            TimeControl(stages=(Stage(2, _MS), Stage(2, _MS))),
            "stages.1.after_turns",
            "not_rising",
        ),
        (TimeControl(first_turn_within_ms=_MS), "first_turn_within_ms", "not_allowed"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(
    control: TimeControl, field: str, code: str
) -> None:
    assert refused_fields(control, 60_000, 60_000) == [(f"time_control.{field}", code)]


def test_an_hourglass_is_for_two() -> None:
    found = refused_fields(TimeControl(hourglass=True), 60_000, 60_000, 60_000)
    assert found == [("time_control.hourglass", "not_allowed")]


@pytest.mark.parametrize("mode", [SyncMode.PER_CYCLE, SyncMode.GLOBAL, SyncMode.COUNT_UP])
def test_only_modes_with_banks_have_time_controls(mode: SyncMode) -> None:
    found = refused_fields(TimeControl(), 60_000, 60_000, mode=mode, total_time_ms=60_000)
    assert found == [("time_control", "not_allowed")]


def test_an_increment_belongs_into_the_time_control() -> None:
    found = refused_fields(TimeControl(), 60_000, 60_000, increment_ms=_MS)
    assert found == [("increment_ms", "not_allowed")]


@pytest.mark.parametrize(
    ("bank_ms", "control", "code"),
    [
        (0, TimeControl(), "too_small"),
        (999, byo_yomi(1_000, 1), None),
        (0, byo_yomi(1_000, 1), None),
        (30 * DAY, TimeControl(), None),
        (30 * DAY + 1, TimeControl(), "too_big"),
        (DAY + 1, None, "too_big"),
        (999, None, "too_small"),
    ],
)
def test_a_time_control_allows_other_banks(
    bank_ms: int, control: TimeControl | None, code: str | None
) -> None:
    command = create_command(
        SyncMode.PER_PARTICIPANT, seat(ANNA, bank_ms), seat(BEN, 60_000), time_control=control
    )
    if code is None:
        assert create(command, Instant(0)).session.participants[0].bank_ms == bank_ms
        return
    with pytest.raises(RuleViolation) as refused:
        create(command, Instant(0))
    assert fields_of(refused.value) == [("participants.0.total_time_ms", code)]


def test_a_preset_gives_each_clock_its_bank_where_none_is_given() -> None:
    command = create_command(
        SyncMode.PER_PARTICIPANT,
        seat(ANNA),
        seat(BEN, 60_000),
        time_control=byo_yomi(30_000, 5),
        default_bank_ms=HOUR,
    )
    session: Session = create(command, Instant(0)).session
    assert [p.bank_ms for p in session.participants] == [HOUR, 60_000]


def test_with_skipped_turns_a_flag_ends_the_turn_after_all_periods() -> None:
    position = controlled(
        5_000, byo_yomi(10_000, 2), action_on_timeout=on_timeout("skip_cycle")
    ).until(49_999)
    assert position.expired_at == [(25_000, ANNA)]
    ended = position.until(50_000)
    assert isinstance(ended.steps[-1], SessionChange)
    assert ended.status is Status.EXPIRED

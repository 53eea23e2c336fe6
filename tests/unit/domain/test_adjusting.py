"""Adjusting time: the clock shows its new value at once, running or not."""

import pytest

from shared.domain.commands import AdjustTime
from shared.domain.errors import InvalidTransition, RuleViolation
from shared.domain.session import Session, Status, SyncMode
from shared.domain.units import Millis
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    BLUE,
    CLEO,
    DAN,
    RED,
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
    pytest.param(
        open_session(SyncMode.PER_CYCLE, seat(ANNA, 10_000), seat(BEN, 20_000)),
        id="per_cycle_own_lengths",
    ),
    pytest.param(teams(5_000, RED, BLUE, RED, BLUE), id="per_group"),
    pytest.param(exam(total=10_000), id="global"),
    pytest.param(exam(cycle=10_000), id="global_cycle"),
    pytest.param(exam(total=30_000, cycle=10_000), id="global_both"),
    pytest.param(exam(total=10_000, cycle=30_000), id="global_session_nearest"),
    pytest.param(race(ceiling=10_000), id="count_up"),
]
CONTINUING_AFTER_EXPIRY = EVERY_MODE[:4] + EVERY_MODE[5:7]

in_every_mode = pytest.mark.parametrize("session", EVERY_MODE)
to_less_or_more = pytest.mark.parametrize("value", [1_000, 9_999, 86_400_000])


@in_every_mode
@to_less_or_more
def test_a_running_clock_continues_from_the_new_value(session: Session, value: int) -> None:
    game = play(session).start().adjust(ANNA, value, at=3_000)
    assert [game.clock(ANNA, at=at) for at in (3_000, 3_999)] == [value, value - 999]
    assert game.deadline == 3_000 + value


@in_every_mode
@to_less_or_more
def test_a_waiting_clock_shows_the_new_value(session: Session, value: int) -> None:
    game = play(session).start().adjust(BEN, value, at=3_000)
    assert game.clock(BEN, at=3_000) == value
    assert game.session.version == 3


@in_every_mode
@to_less_or_more
@pytest.mark.parametrize("who", [ANNA, BEN])
def test_a_paused_clock_shows_the_new_value_and_stays_paused(
    session: Session, value: int, who: str
) -> None:
    game = play(session).start().pause(at=3_000).adjust(who, value, at=50_000)
    assert (game.clock(who, at=70_000), game.status) == (value, Status.PAUSED)
    assert game.resume(at=80_000).clock(who, at=80_000) == value


@in_every_mode
@to_less_or_more
@pytest.mark.parametrize("who", [ANNA, BEN])
def test_a_clock_shows_the_new_value_before_the_start(
    session: Session, value: int, who: str
) -> None:
    game = play(session).adjust(who, value, at=50_000)
    assert game.clock(who, at=70_000) == value
    assert game.start(at=80_000).clock(who, at=80_000) == value


@pytest.mark.parametrize("session", CONTINUING_AFTER_EXPIRY)
@to_less_or_more
def test_an_expired_clock_runs_again(session: Session, value: int) -> None:
    game = play(session).start().until(12_000)
    assert game.clock(ANNA, at=12_000) == 0
    game = game.adjust(ANNA, value, at=12_000)
    assert (game.clock(ANNA, at=12_000), game.deadline) == (value, 12_000 + value)
    assert len(game.until(12_000 + value).expiries) == 2


@in_every_mode
def test_adjusting_keeps_the_used_time(session: Session) -> None:
    game = play(session).start().adjust(ANNA, 60_000, at=3_000)
    assert game.used(ANNA, at=4_000) == 4_000


@in_every_mode
def test_adjusting_ends_no_cycle(session: Session) -> None:
    game = play(session).start().adjust(ANNA, 60_000, at=3_000)
    assert (game.active, game.session.cycle_number) == (ANNA, 1)


def test_in_per_participant_only_that_participants_bank_changes() -> None:
    game = play(chess(10_000)).start().adjust(BEN, 4_000, at=3_000)
    assert (game.clock(ANNA, at=3_000), game.deadline) == (7_000, 10_000)
    assert game.switch(at=5_000).deadline == 9_000


def test_an_expired_participant_that_is_adjusted_takes_turns_again() -> None:
    game = play(chess(5_000, 60_000, 60_000)).start().switch(at=6_000).adjust(ANNA, 9_000, at=7_000)
    assert game.turns(3, every=2_000) == [CLEO, ANNA, BEN]


def test_an_expired_participant_that_is_adjusted_gets_increments_again() -> None:
    game = play(chess(5_000, increment=1_000)).start().adjust(ANNA, 9_000, at=7_000)
    assert game.switch(at=8_000).clock(ANNA, at=8_000) == 9_000


def test_in_per_group_the_whole_groups_bank_changes() -> None:
    match = play(teams(5_000, RED, BLUE, RED, BLUE)).start().adjust(CLEO, 4_000, at=3_000)
    assert [match.clock(who, at=3_000) for who in (ANNA, BEN, CLEO, DAN)] == [
        4_000,
        10_000,
        4_000,
        10_000,
    ]
    assert match.deadline == 7_000


def test_in_per_cycle_a_waiting_participants_value_is_for_its_next_cycle_only() -> None:
    game = play(poker(10_000, players=2)).start().adjust(BEN, 25_000, at=3_000).switch(at=4_000)
    assert game.deadline == 29_000
    assert game.switch(at=5_000).switch(at=6_000).deadline == 16_000


def test_in_per_cycle_the_running_cycle_is_adjusted_and_the_next_is_full() -> None:
    game = play(poker(10_000, players=2)).start().adjust(ANNA, 25_000, at=3_000)
    assert game.deadline == 28_000
    assert game.switch(at=5_000).switch(at=6_000).deadline == 16_000


def test_in_global_the_next_question_has_its_full_time() -> None:
    paper = play(exam(total=60_000, cycle=10_000)).start().adjust(ANNA, 25_000, at=3_000)
    assert paper.switch(at=5_000).deadline == 15_000


@pytest.mark.parametrize(("value", "ends"), [(25_000, 60_000), (57_001, 60_001)])
def test_in_global_the_sessions_clock_is_raised_only_if_it_showed_less(
    value: int, ends: int
) -> None:
    paper = play(exam(total=60_000, cycle=10_000)).start().adjust(ANNA, value, at=3_000)
    assert paper.until(90_000).expired_at[-1] == (ends, None)


def test_the_change_records_participant_value_and_reason() -> None:
    penalty = AdjustTime(BEN, Millis(4_000), reason="penalty")
    change = play(chess(10_000)).start().do(penalty, at=3_000).last_change
    assert change.side.participant_id == BEN
    assert change.metadata == {"total_time_ms": 4_000, "reason": "penalty"}


def test_a_passed_deadline_is_applied_before_the_adjustment() -> None:
    session = chess(5_000, 9_000, action_on_timeout=on_timeout("skip_cycle"))
    game = play(session).start().adjust(ANNA, 4_000, at=5_000)
    assert (game.active, game.clock(ANNA, at=6_000)) == (BEN, 4_000)


def test_a_session_that_ended_at_its_deadline_cannot_be_adjusted() -> None:
    session = chess(5_000, action_on_timeout=on_timeout("end_session"))
    with pytest.raises(InvalidTransition):
        play(session).start().adjust(ANNA, 4_000, at=5_000)


def test_in_count_up_the_ceiling_moves() -> None:
    run = play(race(ceiling=10_000)).start().adjust(BEN, 9_000, at=3_000)
    assert (run.clock(ANNA, at=3_000), run.session.max_time_ms) == (9_000, 12_000)


def test_without_a_ceiling_count_up_has_no_clock_to_adjust() -> None:
    with pytest.raises(RuleViolation) as refused:
        play(race()).start().adjust(ANNA, 5_000, at=1_000)
    assert [field for field, _ in fields_of(refused.value)] == ["total_time_ms"]

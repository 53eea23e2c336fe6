"""`global`: the session's clock runs, whoever is active; a cycle may have a clock as well."""

import pytest

from shared.domain.session import Status
from tests.unit.domain.scenarios import ACTIONS, ANNA, BEN, DAN, exam, on_timeout, play


def test_one_clock_governs_everyone() -> None:
    paper = play(exam(total=60_000)).start().switch(at=5_000)
    assert (paper.clock(ANNA, at=8_000), paper.clock(BEN, at=8_000)) == (52_000, 52_000)


def test_the_sessions_clock_runs_on_through_every_cycle() -> None:
    paper = play(exam(total=60_000)).start().switch(at=5_000).switch(at=9_000).switch(at=20_000)
    assert (paper.deadline, paper.remaining(at=20_000)) == (60_000, 40_000)
    assert paper.session.cycle_number == 4


def test_time_used_goes_to_who_was_active() -> None:
    paper = play(exam(total=60_000)).start().switch(at=5_000).switch(at=7_000)
    assert (paper.used(ANNA, at=10_000), paper.used(BEN, at=10_000)) == (8_000, 2_000)


def test_a_switch_begins_the_next_question_with_a_full_cycle_clock() -> None:
    paper = play(exam(total=60_000, cycle=10_000)).start()
    assert (paper.deadline, paper.remaining(at=4_000)) == (10_000, 6_000)
    assert paper.switch(at=4_000).deadline == 14_000


def test_the_cycle_clock_may_be_the_only_one() -> None:
    paper = play(exam(cycle=10_000)).start().switch(at=9_000).switch(at=18_000)
    assert (paper.deadline, paper.until(90_000).status) == (28_000, Status.RUNNING)


def test_the_clock_that_reaches_zero_first_is_the_one_that_runs() -> None:
    paper = play(exam(total=25_000, cycle=10_000)).start().switch(at=9_000).switch(at=18_000)
    assert (paper.deadline, paper.remaining(at=20_000)) == (25_000, 5_000)


def test_the_sessions_clock_runs_on_when_a_question_has_run_out() -> None:
    paper = play(exam(total=60_000, cycle=10_000)).start().until(15_000)
    assert paper.fallen == [(10_000, ANNA)]
    assert (paper.status, paper.deadline, paper.remaining(at=15_000)) == (
        Status.RUNNING,
        60_000,
        45_000,
    )
    assert paper.clock(ANNA, at=15_000) == 0


def test_the_question_after_one_that_ran_out_has_its_full_time() -> None:
    paper = play(exam(total=60_000, cycle=10_000)).start().switch(at=15_000)
    assert (paper.active, paper.deadline) == (BEN, 25_000)
    assert paper.last.expiry is not None
    assert paper.last.expiry.side.participant_id == ANNA


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("cycle", [None, 60_000, 50_000])
def test_the_session_expires_with_its_own_clock_whatever_the_action(
    action: str, cycle: int | None
) -> None:
    session = exam(total=60_000, cycle=cycle, action_on_timeout=on_timeout(action))
    paper = play(session).start().switch(at=20_000).until(200_000)
    assert paper.fallen == [(60_000, None)]
    assert (paper.status, paper.session.session_completed_at) == (Status.EXPIRED, 60_000)


@pytest.mark.parametrize("players", [0, 1, 2])
def test_it_runs_the_same_with_any_number_of_participants_or_none(players: int) -> None:
    paper = play(exam(total=60_000, cycle=10_000, players=players)).start().switch(at=4_000)
    assert (paper.session.cycle_number, paper.deadline) == (2, 14_000)
    assert paper.until(100_000).status is Status.EXPIRED


def test_a_cycle_clock_at_zero_stops_no_participant_from_its_turn() -> None:
    paper = play(exam(cycle=10_000)).start().switch(at=30_000)
    assert (paper.active, paper.clock(BEN, at=31_000)) == (BEN, 9_000)


def test_the_one_named_follows() -> None:
    assert play(exam(total=60_000, players=4)).start().switch(to=DAN, at=1_000).active == DAN


def test_an_increment_adds_nothing_to_a_shared_clock() -> None:
    paper = play(exam(total=60_000, increment_ms=5_000)).start().switch(at=1_000)
    assert paper.remaining(at=1_000) == 59_000

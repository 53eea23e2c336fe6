"""`global`: one clock for the session, one for each cycle, or both."""

import pytest

from shared.domain.session import Status
from tests.unit.domain.scenarios import ACTIONS, ANNA, BEN, DAN, exam, on_timeout, play


def test_all_participants_share_one_clock() -> None:
    paper = play(exam(total=60_000)).start().switch(at=5_000)
    assert (paper.clock(ANNA, at=8_000), paper.clock(BEN, at=8_000)) == (52_000, 52_000)


def test_the_sessions_clock_continues_across_cycles() -> None:
    paper = play(exam(total=60_000)).start().switch(at=5_000).switch(at=9_000).switch(at=20_000)
    assert (paper.deadline, paper.remaining(at=20_000)) == (60_000, 40_000)
    assert paper.session.cycle_number == 4


def test_used_time_counts_for_the_active_participant() -> None:
    paper = play(exam(total=60_000)).start().switch(at=5_000).switch(at=7_000)
    assert (paper.used(ANNA, at=10_000), paper.used(BEN, at=10_000)) == (8_000, 2_000)


def test_a_switch_begins_the_next_question_with_a_full_cycle_clock() -> None:
    paper = play(exam(total=60_000, cycle=10_000)).start()
    assert (paper.deadline, paper.remaining(at=4_000)) == (10_000, 6_000)
    assert paper.switch(at=4_000).deadline == 14_000


def test_the_cycle_clock_may_be_the_only_one() -> None:
    paper = play(exam(cycle=10_000)).start().switch(at=9_000).switch(at=18_000)
    assert (paper.deadline, paper.until(90_000).status) == (28_000, Status.RUNNING)


def test_the_clock_that_reaches_zero_first_sets_the_deadline() -> None:
    paper = play(exam(total=25_000, cycle=10_000)).start().switch(at=9_000).switch(at=18_000)
    assert (paper.deadline, paper.remaining(at=20_000)) == (25_000, 5_000)


def test_the_sessions_clock_continues_after_a_question_expires() -> None:
    paper = play(exam(total=60_000, cycle=10_000)).start().until(15_000)
    assert paper.expired_at == [(10_000, ANNA)]
    assert (paper.status, paper.deadline, paper.remaining(at=15_000)) == (
        Status.RUNNING,
        60_000,
        45_000,
    )
    assert paper.clock(ANNA, at=15_000) == 0


def test_the_question_after_an_expired_one_has_its_full_time() -> None:
    paper = play(exam(total=60_000, cycle=10_000)).start().switch(at=15_000)
    assert (paper.active, paper.deadline) == (BEN, 25_000)
    assert paper.last_change.expiry is not None
    assert paper.last_change.expiry.side.participant_id == ANNA


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("cycle", [None, 60_000, 50_000])
def test_the_session_expires_with_its_own_clock_with_every_action(
    action: str, cycle: int | None
) -> None:
    session = exam(total=60_000, cycle=cycle, action_on_timeout=on_timeout(action))
    paper = play(session).start().switch(at=20_000).until(200_000)
    assert paper.expired_at == [(60_000, None)]
    assert (paper.status, paper.session.session_completed_at) == (Status.EXPIRED, 60_000)


@pytest.mark.parametrize("players", [0, 1, 2])
def test_global_works_with_any_number_of_participants_or_none(players: int) -> None:
    paper = play(exam(total=60_000, cycle=10_000, players=players)).start().switch(at=4_000)
    assert (paper.session.cycle_number, paper.deadline) == (2, 14_000)
    assert paper.until(100_000).status is Status.EXPIRED


def test_an_expired_cycle_clock_skips_no_participant() -> None:
    paper = play(exam(cycle=10_000)).start().switch(at=30_000)
    assert (paper.active, paper.clock(BEN, at=31_000)) == (BEN, 9_000)


def test_a_switch_may_name_the_next_participant() -> None:
    assert play(exam(total=60_000, players=4)).start().switch(to=DAN, at=1_000).active == DAN


def test_an_increment_adds_nothing_to_a_shared_clock() -> None:
    paper = play(exam(total=60_000, increment_ms=5_000)).start().switch(at=1_000)
    assert paper.remaining(at=1_000) == 59_000

"""`count_up`: time is counted upward, to the ceiling if there is one."""

import pytest

from shared.domain.session import Status
from tests.unit.domain.scenarios import ACTIONS, ANNA, BEN, CLEO, on_timeout, play, race


def test_without_a_ceiling_there_is_no_deadline() -> None:
    run = play(race()).start()
    assert (run.deadline, run.remaining(at=5_000), run.clock(ANNA, at=5_000)) == (None, None, None)
    assert run.until(10**9).expiries == []


def test_a_lap_counts_for_the_active_participant() -> None:
    run = play(race(players=3)).start().switch(at=5_000).switch(at=7_000).switch(at=10_000)
    assert [run.used(who, at=14_000) for who in (ANNA, BEN, CLEO)] == [9_000, 2_000, 3_000]


def test_a_single_participant_switches_to_itself() -> None:
    run = play(race(players=1)).start().switch(at=5_000).switch(at=7_000)
    assert (run.active, run.session.cycle_number) == (ANNA, 3)
    assert (run.used(ANNA, at=9_000), run.session.participants[0].cycle_count) == (9_000, 2)


def test_count_up_works_without_participants() -> None:
    run = play(race(ceiling=9_000, players=0)).start().switch(at=4_000)
    assert (run.session.cycle_number, run.active, run.deadline) == (2, None, 9_000)


@pytest.mark.parametrize("ceiling", [None, 20_000])
def test_no_time_passes_during_a_pause(ceiling: int | None) -> None:
    run = play(race(ceiling)).start().pause(at=5_000).resume(at=90_000)
    assert run.used(ANNA, at=91_000) == 6_000


def test_every_clock_shows_the_time_left_to_the_ceiling() -> None:
    run = play(race(ceiling=20_000)).start().switch(at=5_000)
    assert (run.clock(ANNA, at=8_000), run.clock(BEN, at=8_000)) == (12_000, 12_000)


@pytest.mark.parametrize("action", ACTIONS)
def test_the_session_ends_at_the_ceiling_with_every_action(action: str) -> None:
    session = race(ceiling=20_000, action_on_timeout=on_timeout(action))
    run = play(session).start(at=100).switch(at=5_100).until(99_000)
    assert run.expired_at == [(20_100, None)]
    assert (run.status, run.session.session_completed_at) == (Status.EXPIRED, 20_100)
    assert (run.used(ANNA, at=99_000), run.used(BEN, at=99_000)) == (5_000, 15_000)


def test_no_lap_begins_at_the_ceiling_even_with_auto_advance() -> None:
    run = play(race(ceiling=20_000, auto_advance=True)).start().until(20_000)
    assert (run.status, run.session.cycle_number, run.active) == (Status.EXPIRED, 1, ANNA)


def test_an_increment_adds_nothing_to_counted_time() -> None:
    run = play(race(ceiling=20_000, increment_ms=5_000)).start().switch(at=1_000)
    assert (run.deadline, run.used(ANNA, at=1_000)) == (20_000, 1_000)

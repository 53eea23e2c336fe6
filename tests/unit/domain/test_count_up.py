"""`count_up`: time is counted upward, to the ceiling where there is one."""

import pytest

from shared.domain.session import Status
from tests.unit.domain.scenarios import ACTIONS, ANNA, BEN, CLEO, on_timeout, play, race


def test_without_a_ceiling_nothing_runs_toward_zero() -> None:
    run = play(race()).start()
    assert (run.deadline, run.remaining(at=5_000), run.clock(ANNA, at=5_000)) == (None, None, None)
    assert run.until(10**9).falls == []


def test_a_lap_goes_to_who_was_active() -> None:
    run = play(race(players=3)).start().switch(at=5_000).switch(at=7_000).switch(at=10_000)
    assert [run.used(who, at=14_000) for who in (ANNA, BEN, CLEO)] == [9_000, 2_000, 3_000]


def test_a_single_runner_laps_alone() -> None:
    run = play(race(players=1)).start().switch(at=5_000).switch(at=7_000)
    assert (run.active, run.session.cycle_number) == (ANNA, 3)
    assert (run.used(ANNA, at=9_000), run.session.participants[0].cycle_count) == (9_000, 2)


def test_a_watch_needs_no_runner() -> None:
    run = play(race(ceiling=9_000, players=0)).start().switch(at=4_000)
    assert (run.session.cycle_number, run.active, run.deadline) == (2, None, 9_000)


@pytest.mark.parametrize("ceiling", [None, 20_000])
def test_time_stands_still_in_a_pause(ceiling: int | None) -> None:
    run = play(race(ceiling)).start().pause(at=5_000).resume(at=90_000)
    assert run.used(ANNA, at=91_000) == 6_000


def test_what_is_left_to_the_ceiling_is_everyones_clock() -> None:
    run = play(race(ceiling=20_000)).start().switch(at=5_000)
    assert (run.clock(ANNA, at=8_000), run.clock(BEN, at=8_000)) == (12_000, 12_000)


@pytest.mark.parametrize("action", ACTIONS)
def test_the_session_ends_at_the_ceiling_whatever_the_action(action: str) -> None:
    session = race(ceiling=20_000, action_on_timeout=on_timeout(action))
    run = play(session).start(at=100).switch(at=5_100).until(99_000)
    assert run.fallen == [(20_100, None)]
    assert (run.status, run.session.session_completed_at) == (Status.EXPIRED, 20_100)
    assert (run.used(ANNA, at=99_000), run.used(BEN, at=99_000)) == (5_000, 15_000)


def test_no_lap_begins_at_the_ceiling_not_even_with_auto_advance() -> None:
    run = play(race(ceiling=20_000, auto_advance=True)).start().until(20_000)
    assert (run.status, run.session.cycle_number, run.active) == (Status.EXPIRED, 1, ANNA)


def test_an_increment_adds_nothing_to_counted_time() -> None:
    run = play(race(ceiling=20_000, increment_ms=5_000)).start().switch(at=1_000)
    assert (run.deadline, run.used(ANNA, at=1_000)) == (20_000, 1_000)

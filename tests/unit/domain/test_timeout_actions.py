"""What happens when a clock reaches zero, and that it happens at the deadline."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.domain.clocks import Side
from shared.domain.session import Session, Status
from tests.unit.domain.scenarios import (
    ACTIONS,
    ANNA,
    BEN,
    BLUE,
    CLEO,
    DAN,
    GREEN,
    MOVING_ON,
    RED,
    chess,
    exam,
    on_timeout,
    play,
    poker,
    race,
    teams,
)

Opening = Callable[..., Session]


def duel(**options: Any) -> Session:
    return chess(5_000, **options)


def two_teams(**options: Any) -> Session:
    return teams(5_000, RED, BLUE, **options)


def three_handed_chess(**options: Any) -> Session:
    return chess(5_000, 5_000, 5_000, **options)


def poker_table(**options: Any) -> Session:
    return poker(5_000, **options)


def three_teams(**options: Any) -> Session:
    return teams(5_000, RED, BLUE, GREEN, **options)


def long_quiz(**options: Any) -> Session:
    return exam(total=60_000, cycle=5_000, players=3, **options)


def endless_quiz(**options: Any) -> Session:
    return exam(cycle=5_000, players=3, **options)


in_modes_where_cycles_run_out = pytest.mark.parametrize(
    "opening", [three_handed_chess, poker_table, three_teams, long_quiz, endless_quiz]
)


@in_modes_where_cycles_run_out
def test_notify_leaves_it_to_somebody_to_decide(opening: Opening) -> None:
    game = play(opening()).start().until(25_000)
    assert [at for at, _ in game.fallen] == [5_000]
    assert (game.status, game.active, game.session.cycle_number) == (Status.RUNNING, ANNA, 1)
    assert game.clock(ANNA, at=25_000) == 0
    assert game.switch(at=26_000).active == BEN


@in_modes_where_cycles_run_out
@pytest.mark.parametrize("action", MOVING_ON)
def test_moving_on_is_a_switch_at_the_deadline(opening: Opening, action: str) -> None:
    game = play(opening(action_on_timeout=on_timeout(action))).start().until(7_000)
    assert [at for at, _ in game.fallen] == [5_000]
    assert (game.active, game.session.cycle_number) == (BEN, 2)
    assert game.session.cycle_started_at == 5_000
    assert (game.clock(BEN, at=7_000), game.used(ANNA, at=7_000)) == (3_000, 5_000)


@in_modes_where_cycles_run_out
@pytest.mark.parametrize("action", ["notify", *MOVING_ON])
def test_auto_advance_moves_on_with_any_action_that_ends_nothing(
    opening: Opening, action: str
) -> None:
    session = opening(auto_advance=True, action_on_timeout=on_timeout(action))
    game = play(session).start().until(7_000)
    assert (game.active, game.session.cycle_started_at) == (BEN, 5_000)


@in_modes_where_cycles_run_out
@pytest.mark.parametrize("auto_advance", [False, True])
def test_end_session_ends_it_at_the_deadline(opening: Opening, auto_advance: bool) -> None:
    ending = on_timeout("end_session")
    session = opening(auto_advance=auto_advance, action_on_timeout=ending)
    game = play(session).start().until(99_000)
    assert (game.status, game.session.session_completed_at) == (Status.EXPIRED, 5_000)
    assert (game.active, game.session.cycle_number) == (ANNA, 1)
    assert (len(game.falls), game.deadline) == (1, None)


@in_modes_where_cycles_run_out
@pytest.mark.parametrize("action", ACTIONS)
def test_the_flag_falls_at_the_deadline_and_not_a_millisecond_before(
    opening: Opening, action: str
) -> None:
    game = play(opening(action_on_timeout=on_timeout(action))).start(at=1_000)
    assert game.until(5_999).falls == []
    assert [at for at, _ in game.until(6_000).fallen] == [6_000]


@in_modes_where_cycles_run_out
@pytest.mark.parametrize("action", ACTIONS)
def test_ten_seconds_of_nobody_asking_change_nothing(opening: Opening, action: str) -> None:
    game = play(opening(action_on_timeout=on_timeout(action))).start()
    watched = game
    for at in range(0, 15_001, 50):
        watched = watched.until(at)
    assert game.until(15_000) == watched


@in_modes_where_cycles_run_out
@pytest.mark.parametrize("action", ACTIONS)
def test_a_flag_fall_is_one_change(opening: Opening, action: str) -> None:
    game = play(opening(action_on_timeout=on_timeout(action))).start()
    fallen = game.until(5_000)
    assert fallen.session.version == game.session.version + 1
    assert fallen.session.updated_at == 5_000


def test_cycles_that_went_by_unseen_are_each_applied_at_their_own_deadline() -> None:
    game = play(poker(5_000, auto_advance=True)).start(at=300).until(23_000)
    assert game.fallen == [(5_300, ANNA), (10_300, BEN), (15_300, CLEO), (20_300, ANNA)]
    assert (game.active, game.clock(BEN, at=23_000)) == (BEN, 2_300)
    assert (game.session.cycle_number, game.session.version) == (5, 6)


def test_unseen_cycles_come_first_and_then_the_command() -> None:
    game = play(poker(5_000, auto_advance=True)).start().switch(at=12_000)
    assert game.fallen == [(5_000, ANNA), (10_000, BEN)]
    assert (game.active, game.used(CLEO, at=12_000)) == (ANNA, 2_000)


def test_banks_of_different_length_run_out_one_after_the_other() -> None:
    session = chess(3_000, 4_000, 5_000, action_on_timeout=on_timeout("skip_cycle"))
    game = play(session).start().until(99_000)
    assert game.fallen == [(3_000, ANNA), (7_000, BEN), (12_000, CLEO)]


def test_who_has_expired_is_passed_over_when_moving_on() -> None:
    session = chess(3_000, 9_000, 4_000, action_on_timeout=on_timeout("skip_cycle"))
    game = play(session).start().until(4_000).switch(at=5_000).until(9_000)
    assert game.fallen == [(3_000, ANNA), (9_000, CLEO)]
    assert (game.active, game.deadline) == (BEN, 16_000)


def test_a_group_that_has_expired_is_passed_over_when_moving_on() -> None:
    session = teams(3_000, RED, BLUE, GREEN, BLUE, action_on_timeout=on_timeout("auto_action"))
    match = play(session).start().until(4_000).switch(at=5_000).until(9_000)
    assert match.fallen == [(3_000, RED), (8_000, GREEN)]
    assert (match.active, match.deadline) == (DAN, 12_000)


@pytest.mark.parametrize("action", MOVING_ON)
def test_no_increment_is_given_at_a_flag_fall(action: str) -> None:
    session = chess(5_000, increment=2_000, action_on_timeout=on_timeout(action))
    assert play(session).start().until(5_000).clock(ANNA, at=5_000) == 0


def test_moving_on_alone_begins_ones_own_next_cycle() -> None:
    game = play(poker(5_000, players=1, auto_advance=True)).start().until(12_000)
    assert game.fallen == [(5_000, ANNA), (10_000, ANNA)]
    assert game.clock(ANNA, at=12_000) == 3_000


@pytest.mark.parametrize(
    ("action", "ended_at"), [("notify", 11_000), ("skip_cycle", 10_000), ("auto_action", 10_000)]
)
@pytest.mark.parametrize(("opening", "sides"), [(duel, [ANNA, BEN]), (two_teams, [RED, BLUE])])
def test_the_session_expires_with_the_last_clock_whatever_the_action(
    opening: Opening, sides: list[str], action: str, ended_at: int
) -> None:
    game = play(opening(action_on_timeout=on_timeout(action))).start()
    game = game.switch(to=BEN, at=6_000).until(99_000)
    assert game.fallen == [(5_000, sides[0]), (ended_at, sides[1])]
    assert (game.status, game.session.session_completed_at) == (Status.EXPIRED, ended_at)


@pytest.mark.parametrize(("opening", "winner"), [(duel, BEN), (two_teams, BLUE)])
def test_the_winner_on_time_is_the_only_one_left(opening: Opening, winner: str) -> None:
    ending = on_timeout("end_session", winner_by="time")
    game = play(opening(action_on_timeout=ending)).start().until(60_000)
    assert game.last.expiry is not None
    assert game.last.expiry.action_applied == {
        "type": "end_session",
        "winner_by": "time",
        "winner": winner,
    }


@pytest.mark.parametrize(
    "session",
    [
        pytest.param(chess(5_000, action_on_timeout=on_timeout("end_session")), id="not_by_time"),
        pytest.param(
            chess(5_000, action_on_timeout=on_timeout("end_session", winner_by="points")),
            id="by_points",
        ),
        pytest.param(
            three_handed_chess(action_on_timeout=on_timeout("end_session", winner_by="time")),
            id="two_are_left",
        ),
        pytest.param(
            chess(5_000, action_on_timeout=on_timeout("notify", winner_by="time")),
            id="nothing_has_ended",
        ),
        pytest.param(
            race(5_000, action_on_timeout=on_timeout("end_session", winner_by="time")),
            id="everyones_clock_ran_out",
        ),
    ],
)
def test_otherwise_nobody_is_named_the_winner(session: Session) -> None:
    game = play(session).start().until(5_000)
    assert game.last.expiry is not None
    assert game.last.expiry.action_applied == session.action_on_timeout.as_dict()


@pytest.mark.parametrize("action", ACTIONS)
def test_the_applications_own_keys_come_back_with_the_fall(action: str) -> None:
    own = {"outcome": "forfeit", "penalty": -1, "action": "fold", "message": "too late"}
    game = play(poker_table(action_on_timeout=on_timeout(action, **own))).start().until(5_000)
    assert game.last.expiry is not None
    assert game.last.expiry.action_applied == {"type": action, **own}


def test_no_clock_falls_while_paused() -> None:
    game = play(chess(5_000)).start().pause(at=4_999).until(10**9)
    assert (game.falls, game.status) == ([], Status.PAUSED)


@pytest.mark.parametrize("ahead", ["pause", "complete", "cancel"])
def test_a_flag_that_fell_before_the_command_has_fallen(ahead: str) -> None:
    game = getattr(play(poker_table()).start(), ahead)(at=6_000)
    assert game.fallen == [(5_000, ANNA)]
    assert (game.used(ANNA, at=6_000), game.session.version) == (5_000, 4)


def test_in_per_cycle_the_other_one_of_two_wins_on_time() -> None:
    action = on_timeout("end_session", winner_by="time")
    fall = play(poker(5_000, players=2, action_on_timeout=action)).start().until(9_000).last
    assert fall.expiry is not None
    assert fall.expiry.action_applied["winner"] == BEN


def test_a_fallen_cycle_clock_of_global_showed_nothing() -> None:
    assert play(exam(60_000, 10_000)).start().until(10_000).last.time_remaining_ms == 0


def test_switching_away_from_an_expired_cycle_that_was_nobodys_tells_of_it() -> None:
    switched = play(exam(cycle=10_000, players=0)).start().switch(at=15_000).last
    assert switched.expiry is not None
    assert switched.expiry.side == Side()

"""The actions on timeout, each applied exactly at the deadline."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.domain.clocks import ClockOwner
from shared.domain.session import Session, Status
from tests.unit.domain.scenarios import (
    ACTIONS,
    ADVANCING_ACTIONS,
    ANNA,
    BEN,
    BLUE,
    CLEO,
    DAN,
    GREEN,
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


in_modes_with_expiring_cycles = pytest.mark.parametrize(
    "opening", [three_handed_chess, poker_table, three_teams, long_quiz, endless_quiz]
)


@in_modes_with_expiring_cycles
def test_notify_waits_for_a_command(opening: Opening) -> None:
    game = play(opening()).start().until(25_000)
    assert [at for at, _ in game.expired_at] == [5_000]
    assert (game.status, game.active, game.session.cycle_number) == (Status.RUNNING, ANNA, 1)
    assert game.clock(ANNA, at=25_000) == 0
    assert game.switch(at=26_000).active == BEN


@in_modes_with_expiring_cycles
@pytest.mark.parametrize("action", ADVANCING_ACTIONS)
def test_advancing_actions_switch_at_the_deadline(opening: Opening, action: str) -> None:
    game = play(opening(action_on_timeout=on_timeout(action))).start().until(7_000)
    assert [at for at, _ in game.expired_at] == [5_000]
    assert (game.active, game.session.cycle_number) == (BEN, 2)
    assert game.session.cycle_started_at == 5_000
    assert (game.clock(BEN, at=7_000), game.used(ANNA, at=7_000)) == (3_000, 5_000)


@in_modes_with_expiring_cycles
@pytest.mark.parametrize("action", ["notify", *ADVANCING_ACTIONS])
def test_auto_advance_switches_with_every_action_except_end_session(
    opening: Opening, action: str
) -> None:
    session = opening(auto_advance=True, action_on_timeout=on_timeout(action))
    game = play(session).start().until(7_000)
    assert (game.active, game.session.cycle_started_at) == (BEN, 5_000)


@in_modes_with_expiring_cycles
@pytest.mark.parametrize("auto_advance", [False, True])
def test_end_session_ends_the_session_at_the_deadline(opening: Opening, auto_advance: bool) -> None:
    ending = on_timeout("end_session")
    session = opening(auto_advance=auto_advance, action_on_timeout=ending)
    game = play(session).start().until(99_000)
    assert (game.status, game.session.session_completed_at) == (Status.EXPIRED, 5_000)
    assert (game.active, game.session.cycle_number) == (ANNA, 1)
    assert (len(game.expiries), game.deadline) == (1, None)


@in_modes_with_expiring_cycles
@pytest.mark.parametrize("action", ACTIONS)
def test_the_flag_falls_at_the_deadline_and_not_a_millisecond_before(
    opening: Opening, action: str
) -> None:
    game = play(opening(action_on_timeout=on_timeout(action))).start(at=1_000)
    assert game.until(5_999).expiries == []
    assert [at for at, _ in game.until(6_000).expired_at] == [6_000]


@in_modes_with_expiring_cycles
@pytest.mark.parametrize("action", ACTIONS)
def test_settling_often_gives_the_same_result_as_settling_once(
    opening: Opening, action: str
) -> None:
    game = play(opening(action_on_timeout=on_timeout(action))).start()
    settled_often = game
    for at in range(0, 15_001, 50):
        settled_often = settled_often.until(at)
    assert game.until(15_000) == settled_often


@in_modes_with_expiring_cycles
@pytest.mark.parametrize("action", ACTIONS)
def test_a_flag_fall_is_one_change(opening: Opening, action: str) -> None:
    game = play(opening(action_on_timeout=on_timeout(action))).start()
    expired = game.until(5_000)
    assert expired.session.version == game.session.version + 1
    assert expired.session.updated_at == 5_000


def test_missed_cycles_are_each_applied_at_their_own_deadline() -> None:
    game = play(poker(5_000, auto_advance=True)).start(at=300).until(23_000)
    assert game.expired_at == [(5_300, ANNA), (10_300, BEN), (15_300, CLEO), (20_300, ANNA)]
    assert (game.active, game.clock(BEN, at=23_000)) == (BEN, 2_300)
    assert (game.session.cycle_number, game.session.version) == (5, 6)


def test_missed_cycles_are_applied_before_the_command() -> None:
    game = play(poker(5_000, auto_advance=True)).start().switch(at=12_000)
    assert game.expired_at == [(5_000, ANNA), (10_000, BEN)]
    assert (game.active, game.used(CLEO, at=12_000)) == (ANNA, 2_000)


def test_banks_of_different_length_expire_one_after_the_other() -> None:
    session = chess(3_000, 4_000, 5_000, action_on_timeout=on_timeout("skip_cycle"))
    game = play(session).start().until(99_000)
    assert game.expired_at == [(3_000, ANNA), (7_000, BEN), (12_000, CLEO)]


def test_an_expired_participant_is_skipped_at_an_automatic_switch() -> None:
    session = chess(3_000, 9_000, 4_000, action_on_timeout=on_timeout("skip_cycle"))
    game = play(session).start().until(4_000).switch(at=5_000).until(9_000)
    assert game.expired_at == [(3_000, ANNA), (9_000, CLEO)]
    assert (game.active, game.deadline) == (BEN, 16_000)


def test_an_expired_group_is_skipped_at_an_automatic_switch() -> None:
    session = teams(3_000, RED, BLUE, GREEN, BLUE, action_on_timeout=on_timeout("auto_action"))
    match = play(session).start().until(4_000).switch(at=5_000).until(9_000)
    assert match.expired_at == [(3_000, RED), (8_000, GREEN)]
    assert (match.active, match.deadline) == (DAN, 12_000)


@pytest.mark.parametrize("action", ADVANCING_ACTIONS)
def test_no_increment_is_given_at_a_flag_fall(action: str) -> None:
    session = chess(5_000, increment=2_000, action_on_timeout=on_timeout(action))
    assert play(session).start().until(5_000).clock(ANNA, at=5_000) == 0


def test_a_single_participant_advances_to_its_own_next_cycle() -> None:
    game = play(poker(5_000, players=1, auto_advance=True)).start().until(12_000)
    assert game.expired_at == [(5_000, ANNA), (10_000, ANNA)]
    assert game.clock(ANNA, at=12_000) == 3_000


@pytest.mark.parametrize(
    ("action", "ended_at"), [("notify", 11_000), ("skip_cycle", 10_000), ("auto_action", 10_000)]
)
@pytest.mark.parametrize(("opening", "sides"), [(duel, [ANNA, BEN]), (two_teams, [RED, BLUE])])
def test_the_session_expires_with_the_last_clock(
    opening: Opening, sides: list[str], action: str, ended_at: int
) -> None:
    game = play(opening(action_on_timeout=on_timeout(action))).start()
    game = game.switch(to=BEN, at=6_000).until(99_000)
    assert game.expired_at == [(5_000, sides[0]), (ended_at, sides[1])]
    assert (game.status, game.session.session_completed_at) == (Status.EXPIRED, ended_at)


@pytest.mark.parametrize(("opening", "winner"), [(duel, BEN), (two_teams, BLUE)])
def test_the_winner_on_time_is_the_only_side_with_time_left(opening: Opening, winner: str) -> None:
    ending = on_timeout("end_session", winner_by="time")
    game = play(opening(action_on_timeout=ending)).start().until(60_000)
    assert game.last_change.expiry is not None
    assert game.last_change.expiry.action_applied == {
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
def test_otherwise_no_winner_is_named(session: Session) -> None:
    game = play(session).start().until(5_000)
    assert game.last_change.expiry is not None
    assert game.last_change.expiry.action_applied == session.action_on_timeout.as_dict()


@pytest.mark.parametrize("action", ACTIONS)
def test_the_applications_own_keys_are_returned_with_the_flag_fall(action: str) -> None:
    own = {"outcome": "forfeit", "penalty": -1, "action": "fold", "message": "too late"}
    game = play(poker_table(action_on_timeout=on_timeout(action, **own))).start().until(5_000)
    assert game.last_change.expiry is not None
    assert game.last_change.expiry.action_applied == {"type": action, **own}


def test_no_flag_falls_while_paused() -> None:
    game = play(chess(5_000)).start().pause(at=4_999).until(10**9)
    assert (game.expiries, game.status) == ([], Status.PAUSED)


@pytest.mark.parametrize("command", ["pause", "complete", "cancel"])
def test_a_flag_fall_before_the_command_is_applied_first(command: str) -> None:
    game = getattr(play(poker_table()).start(), command)(at=6_000)
    assert game.expired_at == [(5_000, ANNA)]
    assert (game.used(ANNA, at=6_000), game.session.version) == (5_000, 4)


def test_in_per_cycle_the_other_of_two_participants_wins_on_time() -> None:
    action = on_timeout("end_session", winner_by="time")
    fall = play(poker(5_000, players=2, action_on_timeout=action)).start().until(9_000).last_change
    assert fall.expiry is not None
    assert fall.expiry.action_applied["winner"] == BEN


def test_in_global_an_expired_cycle_clock_shows_zero() -> None:
    assert play(exam(60_000, 10_000)).start().until(10_000).last_change.time_remaining_ms == 0


def test_a_switch_reports_an_expired_cycle_of_a_session_without_participants() -> None:
    switched = play(exam(cycle=10_000, players=0)).start().switch(at=15_000).last_change
    assert switched.expiry is not None
    assert switched.expiry.side == ClockOwner()

"""Participants who retire, leave or forfeit, and new names."""

import pytest

from shared.domain import commands as c
from shared.domain.clocks import ClockOwner
from shared.domain.errors import (
    ActiveParticipant,
    InvalidTransition,
    NothingToUndo,
    RuleViolation,
    UndoBlocked,
    UnknownParticipant,
)
from shared.domain.events import EventType
from shared.domain.session import Session, Status, SyncMode
from shared.domain.time_control import Overtime, TimeControl
from shared.domain.undo import UndoMode
from shared.domain.units import Millis
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    BLUE,
    CLEO,
    DAN,
    GREEN,
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

BYO_YOMI = TimeControl(overtime=Overtime(period_ms=Millis(30_000), periods=3))


def retire(game: Play, who: str, *, at: int, is_retired: bool = True) -> Play:
    return game.do(c.UpdateParticipant(who, is_retired=is_retired), at)


def remove(game: Play, who: str, *, at: int) -> Play:
    return game.do(c.RemoveParticipant(who), at)


def forfeit(game: Play, who: str, *, at: int, reason: str | None = None) -> Play:
    return game.do(c.Forfeit(who, reason), at)


def refused(game: Play, command: c.Command, *, at: int) -> list[tuple[str, str]]:
    with pytest.raises(RuleViolation) as refusal:
        game.do(command, at)
    return fields_of(refusal.value)


@pytest.mark.parametrize(
    "session", [chess(60_000, 60_000, 60_000), poker(60_000), exam(60_000, players=3)]
)
def test_a_retired_participant_takes_no_turns_until_it_returns(session: Session) -> None:
    game = retire(play(session).start(), BEN, at=1_000)
    assert game.turns(3, every=1_000) == [CLEO, ANNA, CLEO]
    assert retire(game, BEN, at=2_000, is_retired=False).turns(3, every=1_000) == [BEN, CLEO, ANNA]


def test_a_retired_active_participant_stays_active_until_the_next_switch() -> None:
    game = retire(play(chess(60_000, 60_000, 60_000)).start(), ANNA, at=1_000)
    assert (game.active, game.deadline) == (ANNA, 60_000)
    assert game.turns(3, every=1_000) == [BEN, CLEO, BEN]


def test_a_retired_participant_cannot_be_switched_to() -> None:
    game = retire(play(chess(60_000)).start(), BEN, at=1_000)
    assert refused(game, c.Switch(BEN), at=2_000) == [("next_participant_id", "retired")]


def test_the_last_one_who_takes_turns_cannot_retire() -> None:
    game = retire(play(chess(60_000)).start(), BEN, at=1_000)
    command = c.UpdateParticipant(ANNA, is_retired=True)
    assert refused(game, command, at=2_000) == [("is_retired", "not_allowed")]


@pytest.mark.parametrize("active", [ANNA, BEN])
def test_the_only_one_with_time_can_neither_retire_nor_leave(active: str) -> None:
    game = play(chess(60_000, 60_000, 60_000)).start()
    if active is BEN:
        game = game.switch(at=0)
    game = forfeit(forfeit(game, BEN, at=1_000), CLEO, at=1_000)
    command = c.UpdateParticipant(ANNA, is_retired=True)
    assert refused(game, command, at=2_000) == [("is_retired", "not_allowed")]
    if active is BEN:
        assert refused(game, c.RemoveParticipant(ANNA), at=2_000) == [
            ("participant_id", "too_short")
        ]
    assert remove(game, CLEO, at=2_000).turns(1, every=3_000) == [ANNA]


@pytest.mark.parametrize("session", [chess(60_000), poker(60_000, 2), exam(60_000)])
@pytest.mark.parametrize("starts", [True, False])
def test_nobody_leaves_only_retired_participants_behind(session: Session, starts: bool) -> None:
    game = play(session).start() if starts else play(session)
    game = retire(game, ANNA, at=1_000)
    assert refused(game, c.RemoveParticipant(BEN), at=2_000) == [("participant_id", "too_short")]


def test_another_one_starts_instead_of_a_retired_starter() -> None:
    session = open_session(SyncMode.PER_CYCLE, seat(ANNA, 10_000), seat(BEN, 20_000))
    game = retire(play(session), ANNA, at=0).start()
    assert (game.active, game.deadline) == (BEN, 20_000)


def test_a_group_plays_while_one_of_its_members_does() -> None:
    match = retire(play(teams(30_000, RED, BLUE, RED, BLUE)).start(), DAN, at=0)
    assert match.turns(4, every=1_000) == [BEN, CLEO, BEN, ANNA]
    match = retire(match, BEN, at=0)
    assert match.turns(2, every=1_000) == [CLEO, ANNA]


def test_the_session_ends_when_those_who_take_turns_have_no_time_left() -> None:
    action = on_timeout("notify")
    game = retire(play(chess(5_000, 60_000, action_on_timeout=action)).start(), BEN, at=1_000)
    assert game.until(5_000).status is Status.EXPIRED


def test_a_retired_participant_does_not_win_on_time() -> None:
    action = on_timeout("end_session", winner_by="time")
    game = play(chess(5_000, 60_000, 60_000, action_on_timeout=action)).start()
    (expiry,) = retire(game, BEN, at=1_000).until(5_000).expiries
    assert expiry.expiry is not None
    assert expiry.expiry.action_applied["winner"] == CLEO


def test_a_name_changes_and_the_clocks_run_on() -> None:
    game = play(chess(60_000)).start()
    named = game.do(c.UpdateParticipant(BEN, is_renamed=True, name="Benjamin"), 1_000)
    assert named.session.participants[1].name == "Benjamin"
    assert named.deadline == 60_000
    assert named.last_change.type is EventType.PARTICIPANT_UPDATED
    assert named.last_change.metadata == {"name": "Benjamin"}
    unnamed = named.do(c.UpdateParticipant(BEN, is_renamed=True), 2_000)
    assert unnamed.session.participants[1].name is None
    assert unnamed.last_change.metadata == {"name": None}


def test_a_clock_and_a_name_change_in_one_version() -> None:
    command = c.UpdateParticipant(
        BEN, c.AdjustTime(BEN, Millis(5_000)), is_retired=False, reason="late"
    )
    game = play(chess(60_000)).start().do(command, 1_000)
    assert (game.session.version, game.clock(BEN, at=1_000)) == (3, 5_000)
    assert game.last_change.metadata == {
        "total_time_ms": 5_000,
        "is_retired": False,
        "reason": "late",
    }


def test_the_periods_left_can_be_set_alone() -> None:
    game = play(chess(10_000, time_control=BYO_YOMI)).start()
    game = game.do(c.AdjustTime(BEN, overtime_periods=1), 1_000)
    assert game.clock(BEN, at=1_000) == 40_000
    assert game.last_change.type is EventType.PARTICIPANT_TIME_ADJUSTED
    assert game.last_change.metadata == {"overtime_periods": 1, "reason": None}
    plain = play(chess(10_000)).start()
    for periods in (0, 1):
        command = c.AdjustTime(BEN, overtime_periods=periods)
        assert refused(plain, command, at=1_000)[0] == ("overtime_periods", "not_allowed")


def test_a_removed_participant_is_gone_and_the_clocks_run_on() -> None:
    game = remove(play(chess(60_000, 60_000, 60_000)).start(), BEN, at=1_000)
    assert [p.participant_id for p in game.session.participants] == [ANNA, CLEO]
    assert (game.deadline, game.turns(2, every=1_000)) == (60_000, [CLEO, ANNA])
    change = game.last_change
    assert (change.type, change.time_remaining_ms) == (EventType.PARTICIPANT_REMOVED, 60_000)
    assert change.side == ClockOwner(participant_id=BEN)


@pytest.mark.parametrize("is_paused", [True, False])
def test_the_active_participant_cannot_be_removed(is_paused: bool) -> None:
    game = play(chess(60_000)).start()
    game = game.pause(at=1_000) if is_paused else game
    with pytest.raises(ActiveParticipant):
        remove(game, ANNA, at=2_000)


@pytest.mark.parametrize("session", [poker(10_000, 1), teams(5_000, RED), chess(5_000, 5_000)])
def test_the_last_participant_stays_where_the_mode_needs_one(session: Session) -> None:
    game = play(session)
    if len(game.session.participants) > 1:
        game = remove(game, BEN, at=0)
    assert refused(game, c.RemoveParticipant(ANNA), at=0) == [("participant_id", "too_short")]


@pytest.mark.parametrize("session", [exam(10_000, players=1), race(players=1)])
def test_the_last_participant_may_leave_where_the_mode_needs_none(session: Session) -> None:
    game = remove(play(session), ANNA, at=0).start()
    assert (game.session.participants, game.active) == ((), None)


def test_another_one_starts_instead_of_a_removed_starter() -> None:
    session = open_session(SyncMode.PER_CYCLE, seat(ANNA, 10_000), seat(BEN, 20_000))
    game = remove(play(session), ANNA, at=0).start()
    assert (game.active, game.deadline) == (BEN, 20_000)


def test_an_emptied_group_goes_with_its_bank() -> None:
    match = remove(play(teams(5_000, RED, BLUE, GREEN)).start(), BEN, at=1_000)
    assert [group.group_id for group in match.session.groups] == [RED, GREEN]
    assert match.turns(2, every=1_000) == [CLEO, ANNA]


def test_a_group_keeps_its_bank_and_its_order_when_a_member_leaves() -> None:
    match = play(teams(5_000, RED, BLUE, RED, RED)).start().switch(at=1_000)
    match = match.switch(at=2_000).switch(at=3_000)
    assert match.session.group(RED) is not None
    assert match.session.groups[0].last_player_id == CLEO
    match = remove(match, CLEO, at=3_000)
    assert match.clock(ANNA, at=3_000) == 13_000
    assert match.turns(3, every=1_000) == [DAN, BEN, ANNA]


def test_an_hourglass_keeps_its_two_sides() -> None:
    session = chess(60_000, time_control=TimeControl(hourglass=True))
    assert refused(play(session).start(), c.RemoveParticipant(BEN), at=1) == [
        ("participant_id", "too_short")
    ]


def test_a_removal_cannot_be_undone_and_no_switch_before_it() -> None:
    game = play(chess(60_000, 60_000, 60_000)).start().switch(at=1_000)
    game = remove(game, ANNA, at=2_000)
    with pytest.raises(NothingToUndo):
        game.do(c.Undo(UndoMode.AS_IF_NEVER), 3_000)


def test_a_forfeit_lets_the_flag_of_the_active_participant_fall_now() -> None:
    game = forfeit(play(chess(60_000)).start(), ANNA, at=4_000, reason="left the room")
    assert (game.clock(ANNA, at=4_000), game.deadline, game.active) == (0, None, ANNA)
    assert game.expired_at == [(4_000, ANNA)]
    change = game.last_change
    assert change.metadata == {
        "status": "running",
        "next_participant_id": ANNA,
        "reason": "forfeit",
        "explanation": "left the room",
    }
    assert (change.is_automatic, change.time_elapsed_ms) == (False, 4_000)


def test_a_forfeit_ends_the_session_if_a_flag_fall_does_and_names_the_winner() -> None:
    action = on_timeout("end_session", winner_by="time")
    for who, winner in ((ANNA, BEN), (BEN, ANNA)):
        game = forfeit(play(chess(60_000, action_on_timeout=action)).start(), who, at=4_000)
        assert (game.status, game.session.session_completed_at) == (Status.EXPIRED, 4_000)
        expiry = game.last_change.expiry
        assert expiry is not None
        assert (expiry.side.participant_id, expiry.action_applied["winner"]) == (who, winner)


def test_a_forfeit_begins_the_next_cycle_only_if_the_active_one_forfeits() -> None:
    session = chess(60_000, 60_000, 60_000, action_on_timeout=on_timeout("skip_cycle"))
    game = forfeit(play(session).start(), BEN, at=4_000)
    assert (game.active, game.deadline) == (ANNA, 60_000)
    game = forfeit(game, ANNA, at=5_000)
    assert (game.active, game.deadline, game.session.cycle_number) == (CLEO, 65_000, 2)


def test_a_whole_group_forfeits() -> None:
    match = forfeit(play(teams(30_000, RED, BLUE, RED, BLUE)).start(), DAN, at=4_000)
    assert [match.clock(who, at=4_000) for who in (ANNA, BEN, CLEO, DAN)] == [56_000, 0, 56_000, 0]
    assert match.last_change.side == ClockOwner(group_id=BLUE)


def test_overtime_is_forfeited_too() -> None:
    game = forfeit(play(chess(10_000, time_control=BYO_YOMI)).start(), ANNA, at=15_000)
    assert game.clock(ANNA, at=15_000) == 0


def test_the_last_one_with_time_ends_the_session_by_a_forfeit() -> None:
    game = forfeit(forfeit(play(chess(60_000)).start(), BEN, at=1_000), ANNA, at=2_000)
    assert game.status is Status.EXPIRED


@pytest.mark.parametrize("session", [poker(10_000), exam(10_000), race(ceiling=10_000)])
def test_only_banks_are_forfeited(session: Session) -> None:
    game = play(session).start()
    assert refused(game, c.Forfeit(ANNA), at=1_000) == [("participant_id", "not_allowed")]


def test_nobody_forfeits_twice() -> None:
    game = forfeit(play(chess(60_000)).start(), BEN, at=1_000)
    assert refused(game, c.Forfeit(BEN), at=2_000) == [("participant_id", "not_allowed")]


def test_a_forfeit_needs_a_running_session() -> None:
    for game in (play(chess(60_000)), play(chess(60_000)).start().pause(at=1)):
        with pytest.raises(InvalidTransition):
            forfeit(game, ANNA, at=2_000)


def test_an_undo_does_not_give_back_what_was_forfeited() -> None:
    session = chess(60_000, action_on_timeout=on_timeout("skip_cycle"))
    game = forfeit(play(session).start(), ANNA, at=4_000)
    with pytest.raises(UndoBlocked):
        game.do(c.Undo(UndoMode.TURN_START), 5_000)


@pytest.mark.parametrize(
    "command",
    [
        c.UpdateParticipant(DAN, is_retired=True),
        c.RemoveParticipant(DAN),
        c.Forfeit(DAN),
    ],
)
def test_unknown_participants_and_ended_sessions_are_refused(command: c.Command) -> None:
    game = play(chess(60_000)).start()
    with pytest.raises(UnknownParticipant):
        game.do(command, 1_000)
    with pytest.raises(InvalidTransition):
        game.complete(at=1_000).do(command, 2_000)

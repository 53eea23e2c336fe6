"""Recorded games under time controls, replayed in virtual time, show the recorded clocks.

The files in `tests/data` name the source of each game and the meaning of each number. `moves` are
the turns in the order in which they were played.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.domain.session import Participant, Session, Status, SyncMode
from shared.domain.time_control import Overtime, Stage, TimeControl
from shared.domain.timekeeping import at_time
from shared.domain.undo import UndoMode
from shared.domain.units import Instant, Millis
from tests.unit.domain.scenarios import ANNA, BEN, Play, open_session, play, seat

KINDS = ("byoyomi", "canadian", "fischer_capped", "staged")
PLAYERS = (ANNA, BEN)
Game = dict[str, Any]


def games_of(kind: str) -> list[Any]:
    path = Path(__file__).parents[2] / "data" / f"{kind}_games.json"
    return [pytest.param(game, id=game["id"]) for game in json.loads(path.read_text())["games"]]


def started(game: Game) -> Play:
    """Start the game with the player who makes the first recorded turn."""
    first = PLAYERS[game["moves"][0]["player"]]
    bank_ms, control = first_bank_and_control(game["time_control"])
    session = open_session(
        SyncMode.PER_PARTICIPANT,
        *(seat(name, bank_ms) for name in PLAYERS),
        time_control=control,
        active_participant_id=first,
    )
    return play(session).start()


def first_bank_and_control(rule: Game) -> tuple[int, TimeControl]:
    """Return each player's bank before the start, ms, and the time control of the record."""
    match rule:
        case {"byoyomi": of}:
            overtime = Overtime(period_ms=of["period_ms"], periods=of["periods"])
            return rule["main_ms"], TimeControl(overtime=overtime)
        case {"canadian": of}:
            overtime = Overtime(period_ms=of["period_ms"], turns=of["stones"])
            return rule["main_ms"], TimeControl(overtime=overtime)
        case {"fischer": of}:
            control = TimeControl(increment_ms=of["increment_ms"], max_bank_ms=of["max_ms"])
            return rule["main_ms"], control
        case _:
            return rule["main_ms"] - rule["increment_ms"], staged_control(rule)


def turns(position: Play, game: Game, edge: int = 0) -> Iterator[tuple[Game, Session, Session]]:
    """Play all turns; yield each with the session just before and just after its switch.

    Where the record has a range of possible durations, `edge` chooses its first or last one.
    """
    now = 0
    for move in game["moves"]:
        now += (shortest(move), longest(move))[edge]
        before = at_time(position.until(now).session, Instant(now))
        next_player = PLAYERS[1 - move["player"]]
        position = position.switch(next_player, at=now, current=PLAYERS[move["player"]])
        yield move, before, position.session
    assert position.status is Status.RUNNING
    assert position.expiries == []


def shortest(move: Game) -> int:
    """Return the shortest duration of the turn that agrees with the record, ms."""
    spent = move.get("spent_ms")
    return int(move["spent_range_ms"][0] if spent is None else spent)


def longest(move: Game) -> int:
    """Return the longest duration of the turn that agrees with the record, ms."""
    spent = move.get("spent_ms")
    return int(move["spent_range_ms"][1] - 1 if spent is None else spent)


def player_of(session: Session, move: Game) -> Participant:
    participant = session.find(PLAYERS[move["player"]])
    assert participant is not None
    return participant


def periods_left(session: Session, name: str) -> int:
    participant = session.find(name)
    assert participant is not None
    return session.budget_of(participant).periods_left


@pytest.mark.parametrize("edge", [0, 1], ids=["shortest", "longest"])
@pytest.mark.parametrize("game", games_of("byoyomi"))
def test_byo_yomi(game: Game, edge: int) -> None:
    position = started(game)
    after = position.session
    for move, _, after in turns(position, game, edge):
        player = player_of(after, move)
        if move["overtime"]:
            assert (player.bank_ms, player.reserve.period_ms) == (0, move["left_ms"])
            assert periods_left(after, player.participant_id) == move["overtime"]["periods_left"]
        elif move["left_ms"] is not None:
            assert player.bank_ms == move["left_ms"]
    for name, final in zip(PLAYERS, game.get("final", []), strict=False):
        participant = after.find(name)
        assert participant is not None
        assert periods_left(after, name) == final["periods_left"]
        assert participant.bank_ms == pytest.approx(
            final["left_ms"], abs=game["final_tolerance_ms"]
        )


@pytest.mark.parametrize("edge", [0, 1], ids=["shortest", "longest"])
@pytest.mark.parametrize("game", games_of("canadian"))
def test_canadian(game: Game, edge: int) -> None:
    for move, before, after in turns(started(game), game, edge):
        shown = player_of(before if game["recorded"] == "before_refill" else after, move)
        if not move["overtime"]:
            assert shown.bank_ms == move["left_ms"]
            continue
        assert (shown.bank_ms, shown.reserve.period_ms) == (0, move["left_ms"])
        stones = move["overtime"]["stones_left"]
        assert stones in (None, player_of(after, move).reserve.block_turns)


@pytest.mark.parametrize("game", games_of("fischer_capped"))
def test_fischer_with_a_largest_bank(game: Game) -> None:
    *_, (_, _, last) = turns(started(game), game)
    for participant, final in zip(last.participants, game["final"], strict=True):
        tolerance = game["final_tolerance_ms"]
        assert participant.bank_ms == pytest.approx(final["left_ms"], abs=tolerance)


def staged_control(rule: Game) -> TimeControl:
    """Return the control as the laws say it: increments come before a move, so also at the start.

    The record's control is for a timer that adds increments after moves only: its first bank and
    its stages contain the first increment.
    """
    increment, stages = rule["increment_ms"], []
    for stage in rule["stages"]:
        first_increment = stage["increment_ms"] - increment
        increment = stage["increment_ms"]
        added = Millis(stage["add_ms"] - first_increment)
        stages.append(Stage(stage["after_turns"], added, Millis(increment)))
    return TimeControl(
        increment_ms=rule["increment_ms"],
        first_turn=rule["increment_ms"] > 0,
        stages=tuple(stages),
    )


@pytest.mark.parametrize("game", games_of("staged"))
def test_stages(game: Game) -> None:
    for move, _, after in turns(started(game), game):
        shown = player_of(after, move)
        assert shown.bank_ms == move["left_ms"] + move.get("pending_ms", 0)


@pytest.mark.parametrize("mode", UndoMode)
@pytest.mark.parametrize("game", [game for kind in KINDS for game in games_of(kind)])
def test_a_turn_that_is_undone_and_played_again_leaves_the_same_clocks(
    game: Game, mode: UndoMode
) -> None:
    position = started(game)
    again, now, later = position, 0, 0
    for number, move in enumerate(game["moves"]):
        other, own = PLAYERS[1 - move["player"]], PLAYERS[move["player"]]
        spent = shortest(move)
        now, later = now + spent, later + spent
        position = position.switch(other, at=now, current=own)
        again = again.switch(other, at=later, current=own)
        later += 0 if mode is UndoMode.AS_IF_NEVER else number % 900
        again = again.undo(mode, at=later)
        later += spent if mode is UndoMode.TURN_START else 0
        again = again.switch(other, at=later, current=own)
        assert again.session.participants == position.session.participants
    assert again.session.used_ms == position.session.used_ms
    assert again.expiries == []


def test_the_data_has_as_many_games_and_turns_as_it_says() -> None:
    games = {kind: [param.values[0] for param in games_of(kind)] for kind in KINDS}
    counts = {k: (len(found), sum(len(g["moves"]) for g in found)) for k, found in games.items()}
    assert counts == {
        "byoyomi": (18, 2846),
        "canadian": (2, 280),
        "fischer_capped": (3, 284),
        "staged": (20, 2454),
    }

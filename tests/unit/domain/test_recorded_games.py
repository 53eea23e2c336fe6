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
from shared.domain.units import Instant, Millis
from tests.unit.domain.scenarios import ANNA, BEN, Play, open_session, play, seat

PLAYERS = (ANNA, BEN)
Game = dict[str, Any]


def games_of(kind: str) -> list[Any]:
    path = Path(__file__).parents[2] / "data" / f"{kind}_games.json"
    return [pytest.param(game, id=game["id"]) for game in json.loads(path.read_text())["games"]]


def started(game: Game, main_ms: int, control: TimeControl) -> Play:
    """Start the game with the player who makes the first recorded turn."""
    first = PLAYERS[game["moves"][0]["player"]]
    session = open_session(
        SyncMode.PER_PARTICIPANT,
        *(seat(name, main_ms) for name in PLAYERS),
        time_control=control,
        active_participant_id=first,
    )
    return play(session).start()


def turns(position: Play, game: Game, edge: int = 0) -> Iterator[tuple[Game, Session, Session]]:
    """Play all turns; yield each with the session just before and just after its switch.

    Where the record has a range of possible durations, `edge` chooses its first or last one.
    """
    now = 0
    for move in game["moves"]:
        spent = move.get("spent_ms")
        if spent is None:
            least, most = move["spent_range_ms"]
            spent = (least, most - 1)[edge]
        now += spent
        before = at_time(position.until(now).session, Instant(now))
        next_player = PLAYERS[1 - move["player"]]
        position = position.switch(next_player, at=now, current=PLAYERS[move["player"]])
        yield move, before, position.session
    assert position.status is Status.RUNNING
    assert position.expiries == []


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
    rule = game["time_control"]["byoyomi"]
    overtime = Overtime(period_ms=rule["period_ms"], periods=rule["periods"])
    position = started(game, game["time_control"]["main_ms"], TimeControl(overtime=overtime))
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
    rule = game["time_control"]["canadian"]
    overtime = Overtime(period_ms=rule["period_ms"], turns=rule["stones"])
    position = started(game, game["time_control"]["main_ms"], TimeControl(overtime=overtime))
    for move, before, after in turns(position, game, edge):
        shown = player_of(before if game["recorded"] == "before_refill" else after, move)
        if not move["overtime"]:
            assert shown.bank_ms == move["left_ms"]
            continue
        assert (shown.bank_ms, shown.reserve.period_ms) == (0, move["left_ms"])
        stones = move["overtime"]["stones_left"]
        assert stones in (None, player_of(after, move).reserve.block_turns)


@pytest.mark.parametrize("game", games_of("fischer_capped"))
def test_fischer_with_a_largest_bank(game: Game) -> None:
    rule = game["time_control"]["fischer"]
    control = TimeControl(increment_ms=rule["increment_ms"], max_bank_ms=rule["max_ms"])
    position = started(game, game["time_control"]["main_ms"], control)
    *_, (_, _, last) = turns(position, game)
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
    rule = game["time_control"]
    position = started(game, rule["main_ms"] - rule["increment_ms"], staged_control(rule))
    for move, _, after in turns(position, game):
        shown = player_of(after, move)
        assert shown.bank_ms == move["left_ms"] + move.get("pending_ms", 0)


def test_the_data_has_as_many_games_and_turns_as_it_says() -> None:
    kinds = ("byoyomi", "canadian", "fischer_capped", "staged")
    games = {kind: [param.values[0] for param in games_of(kind)] for kind in kinds}
    counts = {k: (len(found), sum(len(g["moves"]) for g in found)) for k, found in games.items()}
    assert counts == {
        "byoyomi": (18, 2846),
        "canadian": (2, 280),
        "fischer_capped": (3, 284),
        "staged": (20, 2454),
    }

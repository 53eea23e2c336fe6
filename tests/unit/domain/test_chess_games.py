"""Recorded chess games, replayed in virtual time, show the recorded clocks and flag falls."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.domain.session import Status
from tests.unit.domain.scenarios import ANNA, BEN, Play, chess, on_timeout, play

GAMES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "data" / "chess_clocks.json").read_text()
)["games"]
COLOURS = {ANNA: "white", BEN: "black"}

every_game = pytest.mark.parametrize(
    "game",
    [
        pytest.param(game, id=f"{number:02}-{game['time_control']}-{game['termination']}")
        for number, game in enumerate(GAMES)
    ],
)


def moves_of(game: dict[str, Any]) -> list[tuple[str, int, int]]:
    """Mover, instant and the mover's remaining time (ms) of each move."""
    shown = dict.fromkeys(COLOURS, game["initial_ms"])
    now, moves = 0, []
    for number, after in enumerate(game["clocks_ms"]):
        mover = (ANNA, BEN)[number % 2]
        now += shown[mover] - after + game["increment_ms"]
        shown[mover] = after
        moves.append((mover, now, after))
    return moves


def started(game: dict[str, Any]) -> Play:
    ending = on_timeout("end_session", winner_by="time")
    session = chess(game["initial_ms"], increment=game["increment_ms"], action_on_timeout=ending)
    return play(session).start()


def replayed(game: dict[str, Any]) -> Play:
    position = started(game)
    for mover, now, _ in moves_of(game):
        position = position.switch(current=mover, at=now)
    return position


def test_the_data_has_games_lost_on_time_and_others() -> None:
    on_time = [game for game in GAMES if game["termination"] == "time"]
    assert (len(GAMES), len(on_time)) == (27, 7)


@every_game
def test_every_clock_matches_the_record_after_every_move(game: dict[str, Any]) -> None:
    position = started(game)
    shown = dict.fromkeys(COLOURS, game["initial_ms"])
    for mover, now, after in moves_of(game):
        position = position.switch(current=mover, at=now)
        shown[mover] = after
        assert {who: position.clock(who, at=now) for who in COLOURS} == shown


@every_game
def test_no_flag_falls_before_the_game_ends(game: dict[str, Any]) -> None:
    position = replayed(game)
    assert position.expiries == []
    assert position.status is Status.RUNNING
    assert position.session.version == 2 + len(game["clocks_ms"])


@every_game
def test_the_flag_falls_at_its_deadline_only_in_games_lost_on_time(game: dict[str, Any]) -> None:
    position = replayed(game)
    to_move, waiting = (ANNA, BEN) if position.active == ANNA else (BEN, ANNA)
    _, last_move, _ = moves_of(game)[-1]
    flag = last_move + (position.clock(to_move, at=last_move) or 0)
    if game["termination"] != "time":
        ended = position.complete(at=flag - 1).until(flag + 60_000)
        assert (ended.expiries, ended.status) == ([], Status.COMPLETED)
        assert ended.clock(to_move, at=flag + 60_000) == 1
        return
    assert position.until(flag - 1).expiries == []
    ended = position.until(flag + 60_000)
    assert ended.expired_at == [(flag, to_move)]
    assert (ended.status, ended.session.session_completed_at) == (Status.EXPIRED, flag)
    assert ended.last_change.expiry is not None
    assert ended.last_change.expiry.action_applied == {
        "type": "end_session",
        "winner_by": "time",
        "winner": waiting,
    }
    assert COLOURS[waiting] == game["winner"]

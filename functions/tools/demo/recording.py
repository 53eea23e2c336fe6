"""Recorded games, and a recorded game at another speed. All times in ms."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

import msgspec

from functions.tools.demo.failure import DemoFailed

_RECORDINGS = Path(__file__).parents[3] / "tests" / "data" / "chess_clocks.json"
"""The tests replay the same games; the file's `about` says where they come from."""

_SMALLEST_BANK_MS = 1_000


class Side(StrEnum):
    """Who moves; the value is how people call it."""

    WHITE = "White"
    BLACK = "Black"


SIDES = (Side.WHITE, Side.BLACK)


class Game(msgspec.Struct, frozen=True):
    """One game: `clocks_ms[n]` is what the mover's clock showed after move n, White first."""

    time_control: str
    initial_ms: int
    increment_ms: int
    termination: str
    winner: str | None
    clocks_ms: tuple[int, ...]

    @property
    def ends_on_time(self) -> bool:
        """Whether the side to move after the last entry ran out."""
        return self.termination == "time"


class _Recordings(msgspec.Struct):
    about: str
    games: tuple[Game, ...]


def load_games() -> tuple[Game, ...]:
    """Every recorded game."""
    return msgspec.json.decode(_RECORDINGS.read_bytes(), type=_Recordings).games


def mover(move: int) -> Side:
    """Whose move it is, counted from 0."""
    return SIDES[move % 2]


@dataclass(frozen=True)
class FastGame:
    """A game with its bank, its increment and its thinking times divided by `speed`."""

    game: Game
    speed: float

    def __post_init__(self) -> None:
        if self.bank_ms < _SMALLEST_BANK_MS:
            raise DemoFailed(
                f"At {self.speed:g} times the speed a bank of {self.game.initial_ms / 1000:g} s"
                f" is {self.bank_ms} ms, and the service takes none under {_SMALLEST_BANK_MS} ms;"
                f" try --speed {self.game.initial_ms / _SMALLEST_BANK_MS:g} or less."
            )

    @cached_property
    def bank_ms(self) -> int:
        """What each side starts with."""
        return round(self.game.initial_ms / self.speed)

    @cached_property
    def increment_ms(self) -> int:
        """What a move adds."""
        return round(self.game.increment_ms / self.speed)

    @property
    def moves(self) -> int:
        """How many moves were recorded."""
        return len(self.game.clocks_ms)

    def recorded_ms(self, move: int) -> float:
        """What the mover's clock should show after `move`."""
        return self.game.clocks_ms[move] / self.speed

    def press_at_ms(self, move: int) -> float:
        """What it should show when the mover presses.

        Aiming at a reading, not at a thinking time: neither a late press nor the rounded
        increment is carried over to the next move.
        """
        return self.recorded_ms(move) - self.increment_ms

    def shown_ms(self, side: Side, move: int) -> float:
        """What `side`'s clock should show just before `move` begins."""
        last = next((n for n in range(move - 1, -1, -1) if mover(n) is side), None)
        return self.bank_ms if last is None else self.recorded_ms(last)

"""Recorded games, and the acceleration of a recorded game. All times in ms."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

import msgspec

from tests.demo.errors import DemoError

_RECORDINGS = Path(__file__).parents[1] / "data" / "chess_clocks.json"
"""The tests use the same games; the file's `about` names their source."""

_SMALLEST_BANK_MS = 1_000


class Side(StrEnum):
    """Side to move. The value is the display name."""

    WHITE = "White"
    BLACK = "Black"


SIDES = (Side.WHITE, Side.BLACK)


class RecordedGame(msgspec.Struct, frozen=True):
    """One recorded game. `clocks_ms[n]` is the mover's clock after move n; White moves first."""

    time_control: str
    initial_ms: int
    increment_ms: int
    termination: str
    winner: str | None
    clocks_ms: tuple[int, ...]

    @property
    def ends_on_time(self) -> bool:
        """Whether the side to move after the last entry ran out of time."""
        return self.termination == "time"


class _Recordings(msgspec.Struct):
    about: str
    games: tuple[RecordedGame, ...]


def load_games() -> tuple[RecordedGame, ...]:
    """Return all recorded games."""
    return msgspec.json.decode(_RECORDINGS.read_bytes(), type=_Recordings).games


def side_to_move(move: int) -> Side:
    """Return the side that makes `move`, counted from 0."""
    return SIDES[move % 2]


@dataclass(frozen=True)
class AcceleratedGame:
    """A game with its bank, increment and thinking times divided by `speed`.

    Raises `DemoError` when the bank gets shorter than the service accepts.
    """

    game: RecordedGame
    speed: float

    def __post_init__(self) -> None:
        if self.bank_ms < _SMALLEST_BANK_MS:
            raise DemoError(
                f"At speed {self.speed:g} each player has {self.bank_ms} ms instead of"
                f" {self.game.initial_ms / 1000:g} s, but the service requires at least"
                f" {_SMALLEST_BANK_MS} ms. Use --speed"
                f" {self.game.initial_ms / _SMALLEST_BANK_MS:g} or less."
            )

    @cached_property
    def bank_ms(self) -> int:
        """Initial time of each side."""
        return round(self.game.initial_ms / self.speed)

    @cached_property
    def increment_ms(self) -> int:
        """Time added after each move."""
        return round(self.game.increment_ms / self.speed)

    @property
    def moves(self) -> int:
        """Number of recorded moves."""
        return len(self.game.clocks_ms)

    def recorded_ms(self, move: int) -> float:
        """Return the mover's recorded clock after `move`."""
        return self.game.clocks_ms[move] / self.speed

    def press_at_ms(self, move: int) -> float:
        """Return the mover's clock at which to switch.

        The target is a clock reading rather than a thinking time, so that neither a late switch
        nor the rounded increment affects the next move.
        """
        return self.recorded_ms(move) - self.increment_ms

    def shown_ms(self, side: Side, move: int) -> float:
        """Return `side`'s recorded clock just before `move` begins."""
        last = next((n for n in range(move - 1, -1, -1) if side_to_move(n) is side), None)
        return self.bank_ms if last is None else self.recorded_ms(last)

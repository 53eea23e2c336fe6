"""What the demo has to say at the end. All times in ms of the sped-up game."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class Journal:
    """The largest figures so far."""

    disagreement_ms: float = 0.0
    """Between two clients that hold the same version, read at the same instant."""
    samples: int = 0
    difference_ms: float = 0.0
    """From the recorded clocks, signed: negative when the service's clock shows less."""
    difference_move: int = 0
    moves: int = 0
    presses: dict[int, float] = field(default_factory=dict)
    """When the press that made each version was sent, on `time.monotonic()` (s)."""

    def press(self, version: int, sent: float) -> None:
        """Note when the press that made `version` was sent."""
        self.presses[version] = sent

    def compare(self, move: int, difference_ms: float) -> None:
        """Note how far a move left its clock from the recorded one."""
        self.moves = max(self.moves, move + 1)
        if abs(difference_ms) > abs(self.difference_ms):
            self.difference_ms, self.difference_move = difference_ms, move

    def sample(self, readings: Sequence[tuple[int, Sequence[float]]]) -> None:
        """Take in what each client reads at one instant: its version, and every clock."""
        self.samples += 1
        for version in {version for version, _ in readings}:
            agreeing = [clocks for held, clocks in readings if held == version]
            for shown in zip(*agreeing, strict=True):
                self.disagreement_ms = max(self.disagreement_ms, max(shown) - min(shown))

    def slowest_push_ms(self, arrivals: Sequence[Mapping[int, float]]) -> float:
        """The longest time from a press to the last client's learning of it, or of what followed.

        A client that polls may never see the very version that a press made.
        """
        return max(
            (max(_reached(version, by) for by in arrivals) - sent) * 1000
            for version, sent in self.presses.items()
        )


def _reached(version: int, arrivals: Mapping[int, float]) -> float:
    return min(arrived for held, arrived in arrivals.items() if held >= version)

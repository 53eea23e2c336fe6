"""Figures for the demo's summary. Times are in ms of the accelerated game."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class ReplayStatistics:
    """The largest differences so far, and when each switch was sent."""

    disagreement_ms: float = 0.0
    """Largest difference between two clients with the same version at the same instant."""
    samples: int = 0
    difference_ms: float = 0.0
    """Largest difference from the recorded clocks; negative if the service's clock shows less."""
    difference_move: int = 0
    moves: int = 0
    presses: dict[int, float] = field(default_factory=dict)
    """For each version made by a switch: when it was sent, on `time.monotonic()` (s)."""

    def press(self, version: int, sent: float) -> None:
        """Record when the switch that made `version` was sent."""
        self.presses[version] = sent

    def compare(self, move: int, difference_ms: float) -> None:
        """Record the difference between the clock after `move` and the recorded one."""
        self.moves = max(self.moves, move + 1)
        if abs(difference_ms) > abs(self.difference_ms):
            self.difference_ms, self.difference_move = difference_ms, move

    def sample(self, readings: Sequence[tuple[int, Sequence[float]]]) -> None:
        """Record the version and the clocks of each client at one instant."""
        self.samples += 1
        for version in {version for version, _ in readings}:
            same_version = [clocks for held, clocks in readings if held == version]
            for shown in zip(*same_version, strict=True):
                self.disagreement_ms = max(self.disagreement_ms, max(shown) - min(shown))

    def slowest_push_ms(self, arrivals: Sequence[Mapping[int, float]]) -> float:
        """Return the longest time from a switch until all clients had its version or a later one.

        A polling client may skip the version that a switch made.
        """
        return max(
            (max(_first_arrival(version, by) for by in arrivals) - sent) * 1000
            for version, sent in self.presses.items()
        )


def _first_arrival(version: int, arrivals: Mapping[int, float]) -> float:
    return min(arrived for held, arrived in arrivals.items() if held >= version)

"""The time limit of a release."""

import time

from infra.deployment.release_errors import ReleaseStepFailed


class Deadline:
    """A time limit for all steps together, in seconds from its creation."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._started = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    @property
    def left_s(self) -> float:
        """Seconds left. Raises `ReleaseStepFailed` if the time is up."""
        left = self.seconds - self.elapsed_s
        if left <= 0:
            raise ReleaseStepFailed(f"not finished within {self.seconds:.0f} s")
        return left

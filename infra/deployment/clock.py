"""How long a release may still take."""

import time

from infra.deployment.failure import ReleaseFailed


class Deadline:
    """So many seconds from now on, for all steps together."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._begun = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._begun

    @property
    def left_s(self) -> float:
        """What is left. Raises `ReleaseFailed` where nothing is."""
        left = self.seconds - self.elapsed_s
        if left <= 0:
            raise ReleaseFailed(f"not done within {self.seconds:.0f} s")
        return left

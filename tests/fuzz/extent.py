"""The size of random tests: few examples in `make test-all`, many with `FUZZ=full`."""

import os

from hypothesis import HealthCheck, Phase, settings

IS_FULL = os.environ.get("FUZZ") == "full"


def extent(short: int, full: int, steps: int = 1) -> settings:
    """Return the settings for so many examples of `steps` steps each.

    The short form tries the same examples in every run.
    """
    return settings(
        max_examples=full if IS_FULL else short,
        stateful_step_count=steps,
        derandomize=not IS_FULL,
        database=None,
        print_blob=IS_FULL,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )

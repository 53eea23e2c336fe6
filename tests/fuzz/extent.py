"""How much is tried: a little with every `make test`, a lot where `FUZZ=full` says so."""

import os

from hypothesis import HealthCheck, Phase, settings

IS_FULL = os.environ.get("FUZZ") == "full"


def extent(short: int, full: int, steps: int = 1) -> settings:
    """So many examples, of that many steps each; the short form tries the same ones each time."""
    return settings(
        max_examples=full if IS_FULL else short,
        stateful_step_count=steps,
        derandomize=not IS_FULL,
        database=None,
        deadline=None,
        print_blob=IS_FULL,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )

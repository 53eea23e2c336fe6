"""The times at which failed deliveries are tried again."""

import random

from shared.application.webhook_retries import next_attempt_at
from shared.domain.units import Instant

NOW = Instant(1_000_000)


def test_delays_grow_to_twelve_hours_and_then_end() -> None:
    delays = [next_attempt_at(n, NOW, lambda: 0.0) for n in range(1, 9)]
    seconds = [None if at is None else (at - NOW) / 1000 for at in delays]
    assert seconds == [5, 30, 300, 1_800, 7_200, 21_600, 43_200, None]


def test_jitter_makes_a_delay_at_most_a_fifth_longer() -> None:
    source = random.Random(7)
    delays = {(next_attempt_at(1, NOW, source.random) or 0) - NOW for _ in range(1_000)}
    assert min(delays) >= 5_000
    assert max(delays) <= 6_000
    assert len(delays) > 100

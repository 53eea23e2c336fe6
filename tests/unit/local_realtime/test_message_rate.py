"""The local Realtime counts messages in windows of 5 s, and averages a minute."""

from typing import Any

import pytest

from infra.local.realtime.broadcast_bodies import external_size
from infra.local.realtime.message_rate import MessageRate


class Clock:
    """Time that a test sets."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_the_first_average_is_that_of_the_first_window() -> None:
    clock = Clock()
    rate = MessageRate(100, clock)
    rate.add(1_000)
    assert (rate.average, rate.is_exceeded) == (0, False)
    clock.now_s = 5
    assert (rate.average, rate.is_exceeded) == (200, True)


def test_a_minute_later_a_window_no_longer_counts() -> None:
    clock = Clock()
    rate = MessageRate(100, clock)
    rate.add(1_000)
    clock.now_s = 60
    assert rate.average == 16
    clock.now_s = 65
    assert rate.average == 0


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"a": 1}, 5 + 6 + 2),
        ({"a": None, "b": [True, 1.5, -1]}, 5 + 6 + 5 + 6 + 6 + 6 + 9 + 5),
        ({"é": 2**40}, 5 + 7 + 11),
        ([], 1),
    ],
)
def test_the_size_of_a_payload_is_that_of_erlang_s_external_format(value: Any, size: int) -> None:
    assert external_size(value) == size

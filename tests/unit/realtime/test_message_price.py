"""The price of a message, against the count of the local Realtime, in simulated time."""

from dataclasses import dataclass, field

import pytest

from infra.local.realtime.message_rate import MessageRate
from shared.realtime.message_price import MessagePrice, ProjectRate

_LIMIT = 100
"""Messages per second on Supabase's free plan."""


@dataclass
class Clock:
    """Time that a test sets."""

    now_s: float = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Instance:
    """One instance with `listeners` to each message, which has changes to push at `changes_per_s`.

    A change that finds no tokens isn't sent: a later state is, in its place.
    """

    clock: Clock
    server: MessageRate
    listeners: int
    changes_per_s: float
    is_limited: bool = True
    sent: int = 0
    refused: int = 0
    tokens: float = _LIMIT
    _next_at: float = 0.0
    price: MessagePrice = field(init=False)

    def __post_init__(self) -> None:
        self.price = MessagePrice(_LIMIT, self.clock)
        self._next_at = self.clock()

    def pass_time(self, seconds: float) -> None:
        """Refill the tokens, and send if a change is due."""
        self.tokens = min(_LIMIT, self.tokens + _LIMIT * seconds)
        if self.clock() < self._next_at:
            return
        self._next_at += 1 / self.changes_per_s
        if self.tokens < 1 and self.is_limited:
            return
        if self.server.is_exceeded:
            self.refused += 1
            return
        self.tokens -= self.price.current()
        self.server.add(1 + self.listeners)
        self.price.observe(1, ProjectRate(self.server.average, self.server.limit))
        self.sent += 1


def simulate(clock: Clock, seconds: int, *instances: Instance) -> None:
    """Let time pass in steps of 10 ms."""
    for _ in range(seconds * 100):
        clock.now_s += 0.01
        for instance in instances:
            instance.pass_time(0.01)


@pytest.mark.parametrize("is_limited", [False, True])
def test_deliveries_count_so_that_only_a_price_keeps_the_limit(is_limited: bool) -> None:
    clock = Clock()
    server = MessageRate(_LIMIT, clock)
    server.add(1)
    simulate(clock, 60)  # the server's average covers a whole minute
    instance = Instance(clock, server, listeners=15, changes_per_s=12, is_limited=is_limited)
    simulate(clock, 600, instance)
    if is_limited:
        assert instance.refused == 0
        assert instance.sent > 600 * _LIMIT / 16 / 2
    else:
        assert instance.refused > 1000


def test_two_instances_share_the_limit_and_are_hardly_ever_refused() -> None:
    clock = Clock()
    server = MessageRate(_LIMIT, clock)
    server.add(1)
    simulate(clock, 60)
    much = Instance(clock, server, listeners=15, changes_per_s=12)
    little = Instance(clock, server, listeners=15, changes_per_s=1)
    simulate(clock, 600, much, little)
    assert much.refused + little.refused < 0.01 * (much.sent + little.sent)
    assert little.sent > 100
    assert much.sent > 3 * little.sent


def test_below_half_of_the_limit_a_message_takes_one_token() -> None:
    price = MessagePrice(_LIMIT, Clock())
    price.observe(1, ProjectRate(49, _LIMIT))
    assert price.current() == 1


def test_a_message_takes_at_most_five_seconds_of_the_limit() -> None:
    price = MessagePrice(_LIMIT, Clock())
    price.observe(1, ProjectRate(99, _LIMIT))
    assert price.current() == 500


def test_an_estimate_is_forgotten_after_a_minute() -> None:
    clock = Clock()
    price = MessagePrice(_LIMIT, clock)
    price.observe(1, ProjectRate(90, _LIMIT))
    clock.now_s += 61
    assert price.current() == 1


def test_a_server_without_rates_leaves_the_price_at_one() -> None:
    price = MessagePrice(_LIMIT, Clock())
    price.observe(1, None)
    assert price.current() == 1


def test_a_project_with_a_lower_limit_than_the_setting_raises_the_price() -> None:
    of_free_plan, of_pro_plan = MessagePrice(100, Clock()), MessagePrice(500, Clock())
    for price in (of_free_plan, of_pro_plan):
        for _ in range(50):
            price.observe(1, ProjectRate(60, 100))
    assert of_pro_plan.current() == 5 * of_free_plan.current()

"""A request reaches the server, and its reply is lost."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.resilience.faults.faults import Loss


@dataclass
class Ambush:
    """Waits for requests with `marker`, and loses the replies to those that are picked."""

    marker: bytes
    loss: Loss
    picks: Callable[[int], bool]
    """Of its number among those requests, from 1."""
    seen: int = 0
    struck: threading.Event = field(default_factory=threading.Event)
    """Set once a reply has been lost."""

    def strikes(self) -> bool:
        """Whether the next of those requests is picked."""
        self.seen += 1
        return self.picks(self.seen)


def always(_: int) -> bool:
    """Picks every request."""
    return True


def only(number: int) -> Callable[[int], bool]:
    """Picks the one of that number."""
    return lambda n: n == number


def every_other(number: int) -> bool:
    """Picks half of them, the first among them."""
    return number % 2 == 1

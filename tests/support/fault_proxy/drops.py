"""Drop chosen requests, or the replies to those that have reached the server."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support.fault_proxy.faults import Loss


@dataclass
class ReplyDrop:
    """Counts the requests that contain `marker` and drops the replies to those that `picks` picks.

    `picks` is given the number of the request among them, from 1.
    """

    marker: bytes
    loss: Loss
    picks: Callable[[int], bool]
    with_request: bool = False
    """Whether the request itself is dropped: it never reaches the server."""
    request_count: int = 0
    dropped: threading.Event = field(default_factory=threading.Event)
    """Set once a reply has been dropped."""

    def picks_next(self) -> bool:
        """Count one more request and return whether its reply is to be dropped."""
        self.request_count += 1
        return self.picks(self.request_count)


def always(_: int) -> bool:
    """Pick every request."""
    return True


def only(number: int) -> Callable[[int], bool]:
    """Pick the request with that number."""
    return lambda n: n == number


def every_other(number: int) -> bool:
    """Pick the requests with odd numbers."""
    return number % 2 == 1

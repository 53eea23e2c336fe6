"""A worker as a function that a schedule calls, or a queue whose messages say no more than that."""

from collections.abc import Awaitable, Callable
from typing import Any

from shared.serverless import invocation_log
from shared.serverless.instance import Instance, instance, is_on_lambda, started


class ScheduledFunction:
    """Does its work once an invocation, whatever the event says.

    An exception fails the invocation: of a queue all messages are then delivered again.
    """

    def __init__(self, work: Callable[[Instance], Awaitable[None]]) -> None:
        self._work = work
        if is_on_lambda():
            started()

    def __call__(self, event: dict[str, Any], context: Any) -> None:
        """Serve one invocation."""
        invocation_log.begin(context)
        here = instance()
        here.loop.run_until_complete(self._work(here))

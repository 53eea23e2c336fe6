"""Runs a worker as a Lambda function on a schedule, or on a queue that only triggers it."""

from collections.abc import Awaitable, Callable
from typing import Any

from shared.serverless import invocation_log
from shared.serverless.instance import FunctionInstance, finish_startup, instance, is_on_lambda


class ScheduledFunction:
    """Runs `work` once per invocation and ignores the event.

    An exception fails the invocation; a queue then delivers all its messages again.
    """

    def __init__(self, work: Callable[[FunctionInstance], Awaitable[None]]) -> None:
        self._work = work
        if is_on_lambda():
            finish_startup()

    def __call__(self, event: dict[str, Any], context: Any) -> None:
        """Handle one invocation."""
        invocation_log.begin_invocation(context)
        here = instance()
        here.loop.run_until_complete(self._work(here))

"""Runs workers as Lambda functions: on a schedule, or on a queue."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from shared.serverless.instance import FunctionInstance, LambdaFunction, instance

_log = logging.getLogger("synckairos.queue")


class ScheduledFunction(LambdaFunction):
    """Runs `work` once per invocation and ignores the event, a schedule or a mere trigger.

    An exception fails the invocation; a queue then delivers all its messages again.
    """

    def __init__(self, work: Callable[[FunctionInstance], Awaitable[None]]) -> None:
        super().__init__()
        self._work = work

    def handle(self, event: dict[str, Any], context: Any) -> None:
        """Handle one invocation."""
        here = instance()
        here.loop.run_until_complete(self._work(here))


class QueueFunction(LambdaFunction):
    """Calls `handle_message` concurrently with the body of each message of a batch.

    Messages whose handling raises are reported in `batchItemFailures` and redelivered.
    """

    def __init__(self, handle_message: Callable[[FunctionInstance, str], Awaitable[None]]) -> None:
        super().__init__()
        self._handle_message = handle_message

    def handle(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Handle one batch."""
        here = instance()
        failed = here.loop.run_until_complete(self._handle_batch(here, event["Records"]))
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    async def _handle_batch(
        self, here: FunctionInstance, messages: list[dict[str, Any]]
    ) -> list[str]:
        """Handle `messages`, and return the ids of those that failed."""
        attempts = [self._try_handle(here, message) for message in messages]
        results = await asyncio.gather(*attempts)
        return [m["messageId"] for m, is_done in zip(messages, results, strict=True) if not is_done]

    async def _try_handle(self, here: FunctionInstance, message: dict[str, Any]) -> bool:
        try:
            await self._handle_message(here, message["body"])
        except Exception:
            _log.exception("message failed", extra={"message_id": message["messageId"]})
            return False
        return True

"""Runs a worker as a Lambda function on a queue; each message succeeds or fails separately."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from shared.serverless import invocation_log
from shared.serverless.instance import FunctionInstance, finish_startup, instance, is_on_lambda

Handling = Callable[[FunctionInstance, str], Awaitable[None]]

_log = logging.getLogger("synckairos.queue")


class QueueFunction:
    """Calls `handle` concurrently with the body of each message of a batch.

    Messages whose handling raises are reported in `batchItemFailures` and redelivered.
    """

    def __init__(self, handle: Handling) -> None:
        self._handle = handle
        if is_on_lambda():
            finish_startup()

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Handle one batch."""
        invocation_log.begin_invocation(context)
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
            await self._handle(here, message["body"])
        except Exception:
            _log.exception("message failed", extra={"message_id": message["messageId"]})
            return False
        return True

"""A worker as a function that a queue feeds: each message succeeds or fails for itself."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from shared.serverless import invocation_log
from shared.serverless.instance import Instance, instance, is_on_lambda, started

Handling = Callable[[Instance, str], Awaitable[None]]

_log = logging.getLogger("synckairos.queue")


class QueueFunction:
    """Calls `handle` with the body of each message of a batch, all at once.

    Those that raise are reported (`batchItemFailures`), so that the queue delivers them again.
    """

    def __init__(self, handle: Handling) -> None:
        self._handle = handle
        if is_on_lambda():
            started()

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Serve one batch."""
        invocation_log.begin(context)
        here = instance()
        failed = here.loop.run_until_complete(self._failing(here, event["Records"]))
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    async def _failing(self, here: Instance, messages: list[dict[str, Any]]) -> list[str]:
        tries = [self._succeeds(here, message) for message in messages]
        succeeded = await asyncio.gather(*tries)
        return [m["messageId"] for m, fine in zip(messages, succeeded, strict=True) if not fine]

    async def _succeeds(self, here: Instance, message: dict[str, Any]) -> bool:
        try:
            await self._handle(here, message["body"])
        except Exception:
            _log.exception("message failed", extra={"message_id": message["messageId"]})
            return False
        return True

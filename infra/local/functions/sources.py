"""What invokes functions besides requests: messages in queues, and the clock."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx

from infra.local.functions.aws import Aws
from infra.local.functions.definitions import Queue, Subscription
from infra.local.functions.events import queue_event, schedule_event
from infra.local.functions.failures import FunctionFailed
from infra.local.functions.pool import Pool

_RECEIVERS = 2
_BATCHES_AT_ONCE = 10
_LONG_POLL_S = 10
_AFTER_AN_OUTAGE_S = 0.2
_FIRST_RUN_S = 1.0


class QueueSource:
    """Invokes a function with the messages of a queue and deletes what it has dealt with."""

    def __init__(
        self, aws: Aws, queue: Queue, url: str, subscription: Subscription, pool: Pool
    ) -> None:
        self._aws = aws
        self._arn = aws.queue_arn(queue)
        self._url = url
        self._subscription = subscription
        self._pool = pool
        self._room = asyncio.Semaphore(_BATCHES_AT_ONCE)

    async def run(self) -> None:
        """Go on until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_RECEIVERS):
                group.create_task(self._receive(group))

    async def _receive(self, group: asyncio.TaskGroup) -> None:
        while True:
            await self._room.acquire()
            # A batch must not wait for the one before: its worker may sleep until a deadline.
            if messages := await self._messages():
                group.create_task(self._handle(messages))
            else:
                self._room.release()

    async def _messages(self) -> list[dict[str, Any]]:
        try:
            received = await self._aws.sqs(
                "ReceiveMessage",
                QueueUrl=self._url,
                MaxNumberOfMessages=min(self._subscription.batch_size, 10),
                WaitTimeSeconds=_LONG_POLL_S,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        except httpx.HTTPError:
            await asyncio.sleep(_AFTER_AN_OUTAGE_S)
            return []
        return list(received.get("Messages", []))

    async def _handle(self, messages: list[dict[str, Any]]) -> None:
        try:
            answer = await self._pool.invoke(queue_event(messages, self._arn, self._aws.region))
            done = self._dealt_with(messages, answer)
        except FunctionFailed:
            # They come again when their visibility timeout is over.
            return
        finally:
            self._room.release()
        if done:
            await self._delete(done)

    def _dealt_with(self, messages: list[dict[str, Any]], answer: Any) -> list[dict[str, Any]]:
        failed = failed_messages(answer) if self._subscription.partial_failures else set()
        if failed - {message["MessageId"] for message in messages}:
            # So SQS does it: who names what is not there can't be trusted with the rest.
            return []
        return [message for message in messages if message["MessageId"] not in failed]

    async def _delete(self, messages: list[dict[str, Any]]) -> None:
        entries = [
            {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]}
            for n, message in enumerate(messages)
        ]
        try:
            await self._aws.sqs("DeleteMessageBatch", QueueUrl=self._url, Entries=entries)
        except httpx.HTTPError:
            # They will come again, which may happen with SQS at any time.
            return


def failed_messages(answer: Any) -> set[str]:
    """The messages that a function says it could not deal with.

    An entry that names no message gives an empty name, which no message has.
    """
    failures = (answer.get("batchItemFailures") if isinstance(answer, Mapping) else None) or []
    names = [f.get("itemIdentifier") if isinstance(f, Mapping) else None for f in failures]
    return {str(name or "") for name in names}


class Schedule:
    """Invokes a function at a steady rate."""

    def __init__(self, name: str, every_s: float, region: str, pool: Pool) -> None:
        self._name = name
        self._every_s = every_s
        self._region = region
        self._pool = pool

    async def run(self) -> None:
        """Go on until cancelled; a run that takes long doesn't hold up the next one."""
        async with asyncio.TaskGroup() as group:
            await asyncio.sleep(min(_FIRST_RUN_S, self._every_s))
            while True:
                group.create_task(self._fire())
                await asyncio.sleep(self._every_s)

    async def _fire(self) -> None:
        with suppress(FunctionFailed):
            await self._pool.invoke(schedule_event(self._name, self._region))

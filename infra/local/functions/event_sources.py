"""Invoke functions by SQS messages (event source mappings) and by EventBridge schedules."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx

from infra.local.functions.aws import SqsSsmClient
from infra.local.functions.events import queue_event, schedule_event
from infra.local.functions.pool import InstancePool
from infra.local.functions.runtime_api import FunctionError
from infra.local.functions.serverless_config import EventSourceMapping, QueueConfig

_POLLERS = 2
_MAX_CONCURRENT_BATCHES = 10
_LONG_POLL_S = 10
_RETRY_DELAY_S = 0.2
_FIRST_RUN_DELAY_S = 1.0


class QueuePoller:
    """Invokes a function with the messages of a queue and deletes those that it has processed."""

    def __init__(
        self,
        aws: SqsSsmClient,
        queue: QueueConfig,
        url: str,
        subscription: EventSourceMapping,
        pool: InstancePool,
    ) -> None:
        self._aws = aws
        self._arn = aws.queue_arn(queue)
        self._url = url
        self._subscription = subscription
        self._pool = pool
        self._slots = asyncio.Semaphore(_MAX_CONCURRENT_BATCHES)

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_POLLERS):
                group.create_task(self._poll(group))

    async def _poll(self, group: asyncio.TaskGroup) -> None:
        while True:
            await self._slots.acquire()
            # Process batches concurrently: a worker may sleep until a session's deadline.
            if messages := await self._receive():
                group.create_task(self._process(messages))
            else:
                self._slots.release()

    async def _receive(self) -> list[dict[str, Any]]:
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
            await asyncio.sleep(_RETRY_DELAY_S)
            return []
        return list(received.get("Messages", []))

    async def _process(self, messages: list[dict[str, Any]]) -> None:
        try:
            result = await self._pool.invoke(queue_event(messages, self._arn, self._aws.region))
            done = self._successful(messages, result)
        except FunctionError:
            # SQS delivers the messages again after their visibility timeout.
            return
        finally:
            self._slots.release()
        if done:
            await self._delete(done)

    def _successful(self, messages: list[dict[str, Any]], result: Any) -> list[dict[str, Any]]:
        failed = _failed_ids(result) if self._subscription.partial_failures else set()
        if failed - {message["MessageId"] for message in messages}:
            # As Lambda does: an unknown `itemIdentifier` fails the whole batch.
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
            # The messages are delivered again: SQS delivers at least once anyway.
            return


def _failed_ids(result: Any) -> set[str]:
    """Return the message IDs in `batchItemFailures`.

    An invalid entry yields an empty ID, which no message has.
    """
    failures = (result.get("batchItemFailures") if isinstance(result, Mapping) else None) or []
    ids = [f.get("itemIdentifier") if isinstance(f, Mapping) else None for f in failures]
    return {str(message_id or "") for message_id in ids}


class ScheduleTrigger:
    """Invokes a function at a fixed rate (EventBridge `rate(...)`)."""

    def __init__(self, name: str, every_s: float, region: str, pool: InstancePool) -> None:
        self._name = name
        self._every_s = every_s
        self._region = region
        self._pool = pool

    async def run(self) -> None:
        """Run until cancelled. Invocations may overlap."""
        async with asyncio.TaskGroup() as group:
            await asyncio.sleep(min(_FIRST_RUN_DELAY_S, self._every_s))
            while True:
                group.create_task(self._fire())
                await asyncio.sleep(self._every_s)

    async def _fire(self) -> None:
        with suppress(FunctionError):
            await self._pool.invoke(schedule_event(self._name, self._region))

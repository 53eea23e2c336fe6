"""`Notifier` over SQS: a delayed message wakes a session, another starts the audit worker."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

import msgspec

from shared.application.ports.notifier import CommitNotification
from shared.application.ports.session_store import Wakeup
from shared.application.store_clock import StoreClock
from shared.aws.client import AwsCallFailed, AwsClient
from shared.domain.units import Instant

_EARLY_S = 1
"""A message comes 1 to 2 s early: a cold start fits in, and the worker sleeps the rest."""

_AUDIT_DELAY_S = 1
"""Lets one run of the audit worker write all entries of a second."""

_TIMEOUT_S = 0.8
"""The request that made a change waits for its messages, but not until it fails with a 503."""

_TRIGGER_TIMEOUT_S = 0.25
"""Shorter, because the caller has already waited for something that failed."""

_log = logging.getLogger("synckairos.alarms")
_decoder = msgspec.json.Decoder(Wakeup)


@dataclass(frozen=True, slots=True)
class SqsNotifier:
    """Sends messages to the two queues. Schedules make up for a lost one within a minute."""

    aws: AwsClient
    clock: StoreClock
    alarm_queue_url: str
    audit_queue_url: str
    longest_alarm_s: int = 900

    async def notify(self, news: CommitNotification) -> None:
        """See `Notifier`."""
        sending: list[Awaitable[None]] = []
        if news.alarm_at is not None:
            alarm = Wakeup(news.name, news.alarm_at)
            sending.append(
                self._send(self.alarm_queue_url, encode_alarm(alarm), self._delay_s(news.alarm_at))
            )
        if news.outbox_was_empty:
            sending.append(self._trigger())
        await self._send_all(sending, _TIMEOUT_S)

    async def trigger_audit_worker(self) -> None:
        """Start the audit worker, which also retries pending pushes. Never fails."""
        await self._send_all([self._trigger()], _TRIGGER_TIMEOUT_S)

    async def start_audit_worker(self) -> None:
        """Start the audit worker without a delay, for webhooks of an expiry. Never fails."""
        await self._send_all([self._trigger(0)], _TRIGGER_TIMEOUT_S)

    def _trigger(self, delay_s: int = _AUDIT_DELAY_S) -> Awaitable[None]:
        return self._send(self.audit_queue_url, "outbox filled, or a push owed", delay_s)

    async def _send_all(self, sending: Sequence[Awaitable[None]], timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.gather(*sending)
        except TimeoutError:
            _log.warning("SQS messages were not sent in time; the schedule makes up for them")

    def _delay_s(self, at: Instant) -> int:
        """Whole seconds of delay. The worker sleeps the rest, or sends a far alarm again."""
        seconds_left = (at - self.clock.now()) // 1000
        return min(max(0, seconds_left - _EARLY_S), self.longest_alarm_s)

    async def _send(self, queue_url: str, body: str, delay_s: int) -> None:
        message = {"QueueUrl": queue_url, "MessageBody": body, "DelaySeconds": delay_s}
        try:
            await self.aws.call("sqs", "AmazonSQS.SendMessage", "1.0", message)
        except AwsCallFailed as error:
            _log.warning("an SQS message was not sent; the schedule makes up for it: %s", error)


def encode_alarm(alarm: Wakeup) -> str:
    """Return the body of the message that wakes a session."""
    return msgspec.json.encode(alarm).decode()


def decode_alarm(body: str) -> Wakeup:
    """Decode what `encode_alarm` returned. Raises `ValueError` for anything else."""
    return _decoder.decode(body)

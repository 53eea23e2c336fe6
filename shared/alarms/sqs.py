"""`Announcer` over SQS: a message that is delayed wakes a session, another empties the outbox."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

import msgspec

from shared.aws.client import AwsClient, AwsFailed
from shared.clock import StoreClock
from shared.domain.units import Instant
from shared.ports import News, Wakeup

_EARLY_S = 1
"""A message comes so much before its instant, and less than a second more: the worker sleeps the
rest, and a cold start fits in."""

_GATHER_S = 1
"""Lets one run of the audit worker carry what a second brings."""

_PATIENCE_S = 0.8
"""Who has made a change waits for its news to be passed on, but not so long as to be told that the
store is away."""

_SHORT_PATIENCE_S = 0.25
"""Of one who has waited already, for something else that then failed."""

_log = logging.getLogger("synckairos.alarms")
_wakeups = msgspec.json.Decoder(Wakeup)


@dataclass(frozen=True, slots=True)
class SqsAnnouncer:
    """Messages to the two queues; a lost one is made up for within a minute by the schedules."""

    aws: AwsClient
    clock: StoreClock
    alarm_queue_url: str
    audit_queue_url: str
    longest_alarm_s: int = 900

    async def announce(self, news: News) -> None:
        """See `Announcer`."""
        sending: list[Awaitable[None]] = []
        if news.alarm_at is not None:
            alarm = Wakeup(news.name, news.alarm_at)
            sending.append(
                self._send(self.alarm_queue_url, encode_alarm(alarm), self._delay_s(news.alarm_at))
            )
        if news.fills_outbox:
            sending.append(self._nudge())
        await self._all_in_time(sending, _PATIENCE_S)

    async def nudge(self) -> None:
        """Call the audit worker, which also sees to owed pushes. Never fails."""
        await self._all_in_time([self._nudge()], _SHORT_PATIENCE_S)

    def _nudge(self) -> Awaitable[None]:
        return self._send(self.audit_queue_url, "outbox filled, or a push owed", _GATHER_S)

    async def _all_in_time(self, sending: Sequence[Awaitable[None]], patience_s: float) -> None:
        try:
            async with asyncio.timeout(patience_s):
                await asyncio.gather(*sending)
        except TimeoutError:
            _log.warning("a message was not sent in time; the schedule will do")

    def _delay_s(self, at: Instant) -> int:
        """Whole seconds to hold the message back; the worker sees to what is left, or asks anew."""
        seconds_left = (at - self.clock.now()) // 1000
        return min(max(0, seconds_left - _EARLY_S), self.longest_alarm_s)

    async def _send(self, queue_url: str, body: str, delay_s: int) -> None:
        message = {"QueueUrl": queue_url, "MessageBody": body, "DelaySeconds": delay_s}
        try:
            await self.aws.call("sqs", "AmazonSQS.SendMessage", "1.0", message)
        except AwsFailed as error:
            _log.warning("a message was not sent; the schedule will do: %s", error)


def encode_alarm(alarm: Wakeup) -> str:
    """The body of the message that wakes a session."""
    return msgspec.json.encode(alarm).decode()


def decode_alarm(body: str) -> Wakeup:
    """The inverse of `encode_alarm`. Raises `ValueError` for anything else."""
    return _wakeups.decode(body)

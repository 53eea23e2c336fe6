"""`WebhookQueue` in Redis: a list per recipient, and a sorted set of the due recipients."""

from collections.abc import Iterator, Sequence

import msgspec

from shared.application.ports.webhooks import (
    Attempt,
    ClaimedDeliveries,
    ClaimedDelivery,
    Recipient,
    WebhookMessage,
)
from shared.domain.units import DAY, Instant, Millis
from shared.store.connection import Argument, StoreConnection, load_script
from shared.store.due_set import DueMember, DueSet, score
from shared.store.keys import StoreKeys
from shared.store.sessions import reschedule

_LEASE = Millis(15_000)
"""Longer than an attempt, with its reads and writes of the store."""

_MOST_BYTES = 16 * 1024 * 1024
"""Of the messages that wait for one webhook, in each shard."""

_PART_BYTES = 512 * 1024
"""Of the messages that one script adds; Upstash accepts requests of 1 MB."""

_KEEP_VERSION = Millis(600_000)
"""How long it is known which messages were added before."""

_MOST_ATTEMPTS = 1_000
"""Of one webhook that are kept, in each shard."""

_KEEP_ATTEMPTS = Millis(7 * DAY)

_Addressed = tuple[Recipient, WebhookMessage]

_encode = msgspec.json.Encoder().encode
_attempts = msgspec.json.Decoder(Attempt)


class RedisWebhookQueue:
    """Messages that wait, and the latest attempts; all keys of a session are on its shard."""

    def __init__(
        self,
        redis: StoreConnection,
        keys: StoreKeys,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._most_bytes = most_bytes
        self._due = DueSet(redis, keys, keys.webhooks_due, _LEASE)

    async def add(
        self, messages: Sequence[tuple[Recipient, WebhookMessage]], now: Instant
    ) -> list[tuple[Recipient, WebhookMessage]]:
        """See `WebhookQueue`. The room of a webhook is counted for each shard."""
        by_shard: dict[str, list[_Addressed]] = {}
        for recipient, message in messages:
            shard = self._keys.shard_of(recipient.session_name)
            by_shard.setdefault(shard, []).append((recipient, message))
        refused: list[_Addressed] = []
        for shard, of_shard in by_shard.items():
            for part in _parts(of_shard):
                refused += await self._add(shard, part, now)
        return refused

    async def _add(
        self, shard: str, messages: Sequence[_Addressed], now: Instant
    ) -> list[_Addressed]:
        keys = [self._keys.webhooks_due(shard), self._keys.webhook_bytes(shard)]
        arguments: list[Argument] = [score(now, 0), self._most_bytes, _KEEP_VERSION]
        for to, message in messages:
            version_key = self._keys.webhook_version(to.webhook_id, to.session_name)
            keys += [self._queue(to), version_key]
            arguments += [_member(to), to.webhook_id, message.version, _packed(message)]
        numbers = await self._redis.run(load_script("webhook_add"), keys, arguments)
        return [messages[number - 1] for number in numbers]

    async def take(self, limit: int) -> ClaimedDeliveries:
        members, next_in_ms = await self._due.take(limit)
        claimed = (ClaimedDelivery(_recipient(one), one.tries, one.score) for one in members)
        return ClaimedDeliveries(tuple(claimed), next_in_ms)

    async def oldest(self, recipient: Recipient) -> WebhookMessage | None:
        (head,) = await self._redis.ask([("LINDEX", self._queue(recipient), 0)])
        return _unpacked(head) if head else None

    async def postpone(self, claimed: ClaimedDelivery, until: Instant) -> None:
        key = self._keys.webhooks_due(self._keys.shard_of(claimed.recipient.session_name))
        later = score(until, claimed.attempt - 1)
        await reschedule(self._redis, key, [_member(claimed.recipient), claimed.claim, later])

    async def record(self, claimed: ClaimedDelivery, attempt: Attempt) -> None:
        of, next_at = claimed.recipient, attempt.next_at
        shard = self._keys.shard_of(of.session_name)
        keys = [*self._claim_keys(of), self._keys.webhook_attempts(shard, of.webhook_id)]
        arguments: list[Argument] = [
            _member(of),
            of.webhook_id,
            claimed.claim,
            "" if next_at is None else score(next_at, claimed.attempt),
            score(attempt.at, 0),
            _encode(attempt),
            _MOST_ATTEMPTS,
            _KEEP_ATTEMPTS,
        ]
        await self._redis.run(load_script("webhook_record"), keys, arguments)

    async def discard(self, claimed: ClaimedDelivery) -> None:
        of = claimed.recipient
        arguments: list[Argument] = [_member(of), of.webhook_id, claimed.claim]
        await self._redis.run(load_script("webhook_discard"), self._claim_keys(of), arguments)

    async def log(self, recipient: Recipient, attempt: Attempt) -> None:
        shard = self._keys.shard_of(recipient.session_name)
        key = self._keys.webhook_attempts(shard, recipient.webhook_id)
        kept = ("MAXLEN", "~", _MOST_ATTEMPTS)
        await self._redis.ask(
            [
                ("XADD", key, *kept, "*", "attempt", _encode(attempt)),
                ("PEXPIRE", key, _KEEP_ATTEMPTS),
            ]
        )

    async def attempts(
        self, webhook_id: str, after: str | None, limit: int
    ) -> list[tuple[str, Attempt]]:
        """See `WebhookQueue`. A cursor is a stream id and the number of its shard."""
        ms, number, of_shard = map(int, (after or "0-0--1").split("-", 2))
        commands = [
            (
                "XRANGE",
                self._keys.webhook_attempts(shard, webhook_id),
                f"{'(' if n <= of_shard else ''}{ms}-{number}",
                "+",
                "COUNT",
                limit,
            )
            for n, shard in enumerate(self._keys.all_shards)
        ]
        found: list[tuple[tuple[int, ...], Attempt]] = []
        for n, entries in enumerate(await self._redis.ask(commands)):
            for stream_id, (_, attempt) in entries:
                place = (*map(int, stream_id.decode().split("-")), n)
                found.append((place, _attempts.decode(attempt)))
        found.sort(key=lambda one: one[0])
        return [("-".join(map(str, place)), attempt) for place, attempt in found[:limit]]

    def _claim_keys(self, recipient: Recipient) -> list[str]:
        shard = self._keys.shard_of(recipient.session_name)
        queue = self._queue(recipient)
        return [self._keys.webhooks_due(shard), self._keys.webhook_bytes(shard), queue]

    def _queue(self, recipient: Recipient) -> str:
        return self._keys.webhook_queue(recipient.webhook_id, recipient.session_name)


def _parts(messages: Sequence[_Addressed]) -> Iterator[list[_Addressed]]:
    """Split the messages into parts of at most `_PART_BYTES`; a single one may be larger."""
    part, size = list[_Addressed](), 0
    for addressed in messages:
        length = len(addressed[1].body)
        if part and size + length > _PART_BYTES:
            yield part
            part, size = [], 0
        part.append(addressed)
        size += length
    if part:
        yield part


def _member(recipient: Recipient) -> str:
    return f"{recipient.webhook_id} {recipient.session_name}"


def _recipient(member: DueMember) -> Recipient:
    return Recipient(*member.name.split(" ", 1))


def _packed(message: WebhookMessage) -> bytes:
    head = f"{message.message_id}\n{message.event}\n{message.version}\n"
    return head.encode() + message.body


def _unpacked(packed: bytes) -> WebhookMessage:
    message_id, event, version, body = packed.split(b"\n", 3)
    return WebhookMessage(message_id.decode(), event.decode(), body, int(version))

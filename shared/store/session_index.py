"""`SessionIndex` in Redis: two sorted sets for each tenant and each owner, on each shard.

A member is the instant of the session's creation, in ms with 15 digits, and its id: the order of
members is that of the list. The scores are all 0, as `ZREVRANGEBYLEX` needs. `commit.lua` adds and
removes members together with the change of the session.
"""

from collections.abc import Collection, Sequence
from heapq import merge
from itertools import islice
from typing import Any

import msgspec

from shared.application.event_loop import LARGE_BYTES, yield_to_event_loop
from shared.application.ports.listed_sessions import (
    ListedSession,
    ListPosition,
    ListScope,
    ListSpan,
)
from shared.application.ports.rate_limit import RateLimit
from shared.application.ports.session_index import IndexPage
from shared.application.store_clock import StoreClock
from shared.domain.session import Session, Status, SyncMode
from shared.domain.units import Instant
from shared.store.connection import StoreConnection
from shared.store.keys import StoreKeys
from shared.store.rate_counters import RateLimitCounters

_DIGITS = 15
_FIELDS = ("operations", "state")


class _Core(msgspec.Struct):
    """The fields of an encoded session that lists show."""

    session_id: str
    status: Status
    sync_mode: SyncMode
    created_at: Instant
    updated_at: Instant
    version: int
    metadata: dict[str, Any] | None = None
    owner: str | None = None
    participants: tuple[msgspec.Raw, ...] = ()

    def listed(self, participant_count: int) -> ListedSession:
        return ListedSession(
            session_id=self.session_id,
            status=self.status,
            sync_mode=self.sync_mode,
            created_at=self.created_at,
            updated_at=self.updated_at,
            version=self.version,
            participant_count=participant_count,
            metadata=self.metadata,
            owner=self.owner,
        )


_whole = msgspec.json.Decoder(_Core)
_divided = msgspec.json.Decoder(tuple[int, _Core, msgspec.Raw])


def list_member(session: Session) -> str:
    """Return the session's member in its lists."""
    return _member(ListPosition(session.created_at, session.session_id))


def lists_of(session: Session) -> list[ListScope]:
    """Return the lists that have the session."""
    of_tenant = ListScope(session.tenant)
    return [of_tenant, ListScope(session.tenant, session.owner)] if session.owner else [of_tenant]


class RedisSessionIndex:
    """The lists that `commit.lua` keeps."""

    def __init__(self, redis: StoreConnection, keys: StoreKeys, clock: StoreClock) -> None:
        self._redis = redis
        self._keys = keys
        self._counters = RateLimitCounters(keys, clock)

    async def newest(
        self,
        scope: ListScope,
        span: ListSpan,
        *,
        include_ended: bool = True,
        limits: Sequence[RateLimit] = (),
    ) -> IndexPage:
        """See `SessionIndex`."""
        counting = self._counters.attempts(limits)
        upper = f"({_member(span.before)}" if span.before else "+"
        lower = f"[{_instant(span.since)}" if span.since is not None else "-"
        lists = [self._keys.list_of(shard, scope) for shard in self._keys.all_shards]
        read = [one.live for one in lists] + [one.ended for one in lists if include_ended]
        reading = [("ZREVRANGEBYLEX", key, upper, lower, "LIMIT", 0, span.limit) for key in read]
        replies = await self._redis.ask([*counting, *reading])
        quotas = self._counters.quotas(limits, replies[: len(counting)])
        newest_first = merge(*replies[len(counting) :], reverse=True)
        return IndexPage([_position(member) for member in islice(newest_first, span.limit)], quotas)

    async def sessions(self, names: Collection[str]) -> dict[str, ListedSession | None]:
        """See `SessionIndex`."""
        if not names:
            return {}
        replies = await self._redis.ask(
            [("HMGET", self._keys.session(name), *_FIELDS) for name in names]
        )
        found: dict[str, ListedSession | None] = {}
        undecoded = 0
        for name, (operations, state) in zip(names, replies, strict=True):
            if operations is not None:
                found[name] = _listed(state) if state else None
                undecoded += len(state or b"")
                if undecoded > LARGE_BYTES:
                    undecoded = 0
                    await yield_to_event_loop()
        return found


def _listed(state: bytes) -> ListedSession:
    """Decode the short form of a session from its `state` (`session_fields.py`)."""
    if state.startswith(b"["):
        count, core, _ = _divided.decode(state)
        return core.listed(count)
    core = _whole.decode(state)
    return core.listed(len(core.participants))


def _member(position: ListPosition) -> str:
    return f"{_instant(position.created_at)}{position.session_id}"


def _instant(instant: Instant) -> str:
    return f"{instant:0{_DIGITS}d}"


def _position(member: bytes) -> ListPosition:
    text = member.decode()
    return ListPosition(Instant(int(text[:_DIGITS])), text[_DIGITS:])

"""Build commits, and read the outbox entries that they leave."""

from typing import Any
from uuid import uuid4

import msgspec
from redis.asyncio import Redis

from shared.application.ports.commit import Commit, Origin
from shared.domain.commands import Create, NewParticipant
from shared.domain.creation import create
from shared.domain.events import SessionChange
from shared.domain.session import SyncMode
from shared.domain.units import Instant, Millis
from shared.domain.values import replace

FAR_FUTURE = Instant(4_000_000_000_000)


def new_session() -> SessionChange:
    """Return the change that creates a new session."""
    players = tuple(NewParticipant(str(uuid4()), total_time_ms=Millis(60_000)) for _ in range(2))
    spec = Create(str(uuid4()), SyncMode.PER_PARTICIPANT, players)
    return create(spec, Instant(1_000))


def commit_for(change: SessionChange, expected: str | None = None, **more: Any) -> Commit:
    """Return a commit of `change` on the revision `expected`; `more` overrides its fields."""
    usual = Commit(
        name=change.session.name,
        expected=expected,
        operation_id=uuid4().hex[:16],
        session=change.session,
        retention_ms=Millis(60_000),
        listed_until=Instant(62_000),
        base=change.session if expected else None,
        wake_at=FAR_FUTURE,
        now=Instant(2_000),
        changes=[change],
        origin=Origin("host", "request-1"),
    )
    return replace(usual, **more)


async def entries_in(redis: Redis) -> list[tuple[str, dict[bytes, bytes]]]:
    """Return all waiting audit entries with their ids, oldest first within each shard."""
    streams = sorted([key async for key in redis.scan_iter("*:outbox")])
    found: list[Any] = [entry for stream in streams for entry in await redis.xrange(stream) or []]
    return [(entry_id.decode(), fields) for entry_id, fields in found]


async def outbox(redis: Redis) -> list[dict[str, Any]]:
    """Return all waiting audit entries, decoded, oldest first within each shard."""
    return [msgspec.json.decode(fields[b"entry"]) for _, fields in await entries_in(redis)]

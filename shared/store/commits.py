"""What `commit.lua` is given, and what it answers."""

from math import ceil, sqrt

from shared.audit import entries
from shared.domain.units import DAY, Instant
from shared.errors import StoreUnavailable
from shared.ports import (
    AnsweredBefore,
    Commit,
    CommitResult,
    Committed,
    OwnerHasEnough,
    RecordedAnswer,
    Superseded,
)
from shared.snapshot import encode_session
from shared.store import codec
from shared.store.connection import Argument, Reply
from shared.store.keys import Keys


def keys_of(commit: Commit, keys: Keys) -> list[str]:
    """Its KEYS: all that a commit touches."""
    shard = keys.shard_of(commit.name)
    touched = [
        keys.session(commit.name),
        keys.deadlines(shard),
        keys.outbox(shard),
        keys.push_channel(commit.name),
        keys.wake_channel(shard),
        keys.outbox_channel(shard),
    ]
    if commit.key and commit.answer:
        touched.append(keys.answer(commit.key))
    if commit.owner:
        touched.append(keys.owned(shard, commit.owner))
    return touched


def arguments_of(
    commit: Commit, keys: Keys, *, publishes: bool, sets_alarms: bool
) -> list[Argument]:
    """Its ARGV."""
    answer: bytes = b""
    if commit.key and commit.answer:
        answer = codec.encode_answer(RecordedAnswer(commit.key.fingerprint, commit.answer))
    audited = entries.encode(commit)
    return [
        commit.name,
        commit.expected or "",
        commit.operation_id,
        encode_session(commit.session) if commit.session else b"",
        commit.retention_ms,
        _optional(commit.wake_at),
        commit.now,
        _optional(commit.alarm_at if sets_alarms else None),
        "1" if publishes else "",
        answer,
        DAY,
        len(audited),
        *audited,
        *([_optional(room_in_shard(commit.owner_may_have, keys))] if commit.owner else ()),
        *(commit.pushes if publishes else ()),
    ]


def room_in_shard(most: int | None, keys: Keys) -> int | None:
    """How many of an owner's sessions one shard takes, where it may have `most` of them in all.

    Its sessions are spread by chance: an even share, and four standard deviations more. So an
    owner is hardly ever refused before it has `most`, and never has more than
    `most + 4 * sqrt(most * shards) + shards`; where there is one shard, never more than `most`.
    """
    if most is None:
        return None
    share = most / keys.shards
    return min(most, ceil(share + 4 * sqrt(share)))


def result_of(reply: Reply) -> CommitResult:
    """What has become of the commit. Raises `StoreUnavailable` for a reply that is none."""
    match reply:
        case [b"done", *_]:
            return Committed()
        case [b"answered", recorded]:
            return AnsweredBefore(codec.decode_answer(recorded))
        case [b"superseded", revision, *state]:
            return Superseded(codec.decode_stored(revision, state[0] if state else None))
        case [b"full"]:
            return OwnerHasEnough()
        case _:
            raise StoreUnavailable


def _optional(number: Instant | int | None) -> str | int:
    return "" if number is None else number

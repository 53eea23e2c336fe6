"""What `commit.lua` is given, and what it answers."""

from functools import lru_cache
from math import ceil, sqrt
from typing import NamedTuple

from shared.audit import entries
from shared.domain.units import DAY, Instant
from shared.errors import StoreUnavailable
from shared.ports import (
    AnsweredBefore,
    Commit,
    CommitResult,
    Committed,
    OwnerHoldsEnough,
    OwnerLimits,
    Superseded,
)
from shared.snapshot import encode_session
from shared.store import codec
from shared.store.connection import Argument, Reply
from shared.store.keys import Keys

STATE = 3
"""The place of the session's state among the arguments."""

_SMALL_STATE = 2048
"""Bytes up to which a state is kept with an answer as it is."""

_LARGE_SESSION = 64 * 1024
"""Bytes; the unit in which large sessions are spread over shards by chance."""

_HIGH_LOAD = 8_000
"""The same for loads: a session that advances every second."""


class Means(NamedTuple):
    """What a store is used for: which parts of a commit are of use to anyone.

    `publishes`: somebody listens to its channels. `sets_alarms`: somebody sets alarms. `audits`:
    somebody carries audit entries to a trail. `remembers`: the trail can be asked for the state
    that an answer showed, so that it isn't kept with the answer.
    """

    publishes: bool = True
    sets_alarms: bool = False
    audits: bool = True
    remembers: bool = True


USUAL = Means()


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
    if commit.key:
        touched.append(keys.answer(commit.key))
    if commit.owner:
        touched += [keys.owned(shard, commit.owner), keys.held(shard, commit.owner)]
    return touched


def arguments_of(commit: Commit, keys: Keys, means: Means) -> list[Argument]:
    """Its ARGV."""
    state = encode_session(commit.session) if commit.session else b""
    audited = entries.encode(commit, state) if means.audits else []
    record, keeps_state = _record_of(commit, state, means) if commit.key else (b"", False)
    return [
        commit.name,
        commit.expected or "",
        commit.operation_id,
        state,
        commit.retention_ms,
        _optional(commit.wake_at),
        commit.now,
        _optional(commit.alarm_at if means.sets_alarms else None),
        "1" if means.publishes else "",
        record,
        "1" if keeps_state else "",
        DAY,
        len(audited),
        *audited,
        *(_owners_part(commit, keys) if commit.owner else ()),
        *(commit.pushes if means.publishes else ()),
    ]


def _record_of(commit: Commit, state: bytes, means: Means) -> tuple[bytes, bool]:
    """The record of the answer, and whether the script shall put the state behind it."""
    record = codec.encode_record(commit)
    if means.remembers or not state:
        return record, False
    if len(state) <= _SMALL_STATE:
        return record, True
    return record + b"\n" + codec.compressed(state), False


def _owners_part(commit: Commit, keys: Keys) -> list[Argument]:
    most = share_of_shard(commit.owner_may_hold, keys)
    limits = (most.sessions, most.bytes, most.load, most.written)
    return [*map(_optional, limits), commit.load]


@lru_cache(maxsize=64)
def share_of_shard(limits: OwnerLimits, keys: Keys) -> OwnerLimits:
    """What an owner may hold on one shard, where it may hold so much in all.

    Its sessions are spread by chance: an even share, and four standard deviations more. So an
    owner is hardly ever refused before it holds the most, and never holds more than
    `most + 4 * sqrt(most * shards) + shards` sessions; where there is one shard, never more than
    `most`. Bytes and load are spread in the same way, by units of large and of busy sessions.
    """
    return OwnerLimits(
        _share(limits.sessions, 1, keys.shards),
        _share(limits.bytes, _LARGE_SESSION, keys.shards),
        _share(limits.load, _HIGH_LOAD, keys.shards),
        _share(limits.written, _LARGE_SESSION, keys.shards),
    )


def _share(most: int | None, unit: int, shards: int) -> int | None:
    if most is None:
        return None
    share = most / unit / shards
    return min(most, ceil(unit * (share + 4 * sqrt(share))))


def result_of(reply: Reply) -> CommitResult:
    """What has become of the commit. Raises `StoreUnavailable` for a reply that is none."""
    match reply:
        case [b"done", *_]:
            return Committed()
        case [b"answered", recorded]:
            return AnsweredBefore(codec.decode_record(recorded))
        case [b"superseded", revision, *state]:
            return Superseded(codec.decode_stored(revision, state[0] if state else None))
        case [b"full", b"sessions"]:
            return OwnerHoldsEnough("sessions")
        case [b"full", b"bytes"]:
            return OwnerHoldsEnough("bytes")
        case [b"full", b"load"]:
            return OwnerHoldsEnough("load")
        case [b"full", b"written"]:
            return OwnerHoldsEnough("written")
        case _:
            raise StoreUnavailable


def _optional(number: Instant | int | None) -> str | int:
    return "" if number is None else number

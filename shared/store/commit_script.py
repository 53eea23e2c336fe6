"""Keys, arguments and replies of the script `commit.lua`."""

from functools import lru_cache
from itertools import chain
from math import ceil, sqrt
from typing import NamedTuple, get_args

from shared.application import audit_entries
from shared.application.errors import StoreUnavailable
from shared.application.ports.commit import (
    Commit,
    CommitResult,
    Committed,
    DuplicateRequest,
    LimitName,
    OwnerLimits,
    QuotaExceeded,
    RevisionConflict,
)
from shared.application.ports.listed_sessions import ListScope
from shared.application.session_encoding import encode_session
from shared.domain.session import Session
from shared.domain.units import DAY, Instant
from shared.store import codec
from shared.store.connection import Argument, Reply
from shared.store.keys import StoreKeys
from shared.store.session_fields import SessionWrite, decode_fields, fields_of
from shared.store.session_index import list_member, lists_of

_SMALL_STATE = 2048
"""Largest state, in bytes, that is stored with an answer uncompressed."""

_LARGE_SESSION = 64 * 1024
"""Size of a large session in bytes, for the statistical spread of bytes over shards."""

_HIGH_LOAD = 8_000
"""Load of a session that advances every second, for the spread of loads over shards."""


class CommitFeatures(NamedTuple):
    """The parts of a commit that a deployment needs.

    `publishes`: to Redis channels, which instances listen to. `sets_alarms`: instants for an
    external alarm service. `audits`: audit entries, which a worker moves to the trail. `remembers`:
    the trail provides the state of a recorded answer, so it isn't stored with the answer.
    """

    publishes: bool = True
    sets_alarms: bool = False
    audits: bool = True
    remembers: bool = True


DEFAULT_FEATURES = CommitFeatures()


def commit_call(
    commit: Commit, write: SessionWrite, keys: StoreKeys, features: CommitFeatures
) -> tuple[list[str], list[Argument]]:
    """Return the KEYS of the script, which are all keys and channels that the commit uses, and its
    ARGV. The script stores the session with `write`."""
    shard, concerned = keys.shard_of(commit.name), commit.session or commit.base
    is_test = concerned is not None and concerned.virtual_clock is not None
    listed = _listed(commit)
    list_keys = _list_keys(shard, keys.shards, *lists_of(listed)) if listed else ()
    outbox, deadlines, wake_channel, outbox_channel = _keys_of_shard(shard, keys.shards)
    touched = [
        keys.session(commit.name),
        deadlines,
        outbox,
        keys.push_channel(commit.name),
        wake_channel,
        outbox_channel,
    ]
    if commit.key:
        touched.append(keys.answer(commit.key))
    if commit.owner:
        touched += [keys.owned(shard, commit.owner), keys.held(shard, commit.owner)]
    touched += list_keys
    if is_test:
        touched.append(keys.test_sessions(shard))
    state = None if write.in_parts else write.state
    audited = audit_entries.encode(commit, state) if features.audits else []
    record, keeps_state = _record_of(commit, state, features) if commit.key else (b"", False)
    return touched, [
        commit.name,
        commit.expected or "",
        commit.operation_id,
        write.state,
        commit.retention_ms,
        _optional(commit.wake_at),
        commit.now,
        _optional(commit.alarm_at) if features.sets_alarms else "",
        "1" if features.publishes else "",
        record,
        "1" if keeps_state else "",
        DAY,
        write.size,
        write.least_fields,
        len(write.participants),
        len(write.removed),
        len(audited),
        len(list_keys),
        list_member(listed) if listed else "",
        _optional(commit.listed_until),
        "1" if is_test else "",
        *audited,
        *(_owner_arguments(commit, keys) if commit.owner else ()),
        *chain.from_iterable(write.participants),
        *write.removed,
        *([push.published for push in commit.pushes] if features.publishes else ()),
    ]


@lru_cache(maxsize=256)
def _keys_of_shard(shard: str, shards: int) -> tuple[str, str, str, str]:
    """Return the outbox, the deadlines and the channels that all commits of a shard use.

    Cached, because each commit needs them and they never change.
    """
    keys = StoreKeys(shards)
    return (
        keys.outbox(shard),
        keys.deadlines(shard),
        keys.wake_channel(shard),
        keys.outbox_channel(shard),
    )


def _record_of(commit: Commit, state: bytes | None, features: CommitFeatures) -> tuple[bytes, bool]:
    """Return the record of the answer, and whether the script must append the state to it."""
    record = codec.encode_record(commit)
    if features.remembers or commit.session is None:
        return record, False
    state = state or encode_session(commit.session)
    if len(state) <= _SMALL_STATE:
        return record, True
    return record + b"\n" + codec.compress_state(state), False


@lru_cache(maxsize=256)
def _list_keys(shard: str, shards: int, *scopes: ListScope) -> tuple[str, ...]:
    """Return the keys of lists. Cached, because most sessions of a tenant are in the same."""
    keys = StoreKeys(shards)
    return tuple(key for scope in scopes for key in keys.list_of(shard, scope))


def _listed(commit: Commit) -> Session | None:
    """Return the session if its lists change: it stays in them for longer, or is removed."""
    if commit.session is None:
        return commit.base
    return commit.session if commit.listed_until is not None else None


def _owner_arguments(commit: Commit, keys: StoreKeys) -> list[Argument]:
    share = limits_per_shard(commit.owner_limits, keys)
    limits = (share.sessions, share.bytes, share.load, share.written)
    return [*map(_optional, limits), commit.load]


@lru_cache(maxsize=64)
def limits_per_shard(limits: OwnerLimits, keys: StoreKeys) -> OwnerLimits:
    """Return the limits of an owner on one shard, given its `limits` over all shards.

    Sessions are spread over shards at random, so a shard's limit is an even share plus four
    standard deviations. An owner is hardly ever refused below its limit `most`, and never holds
    more than `most + 4 * sqrt(most * shards) + shards` sessions; with one shard, never more than
    `most`. Bytes and load are treated alike, in units of a large and of a busy session.
    """
    return OwnerLimits(
        _share(limits.sessions, 1, keys.shards),
        _share(limits.bytes, _LARGE_SESSION, keys.shards),
        _share(limits.load, _HIGH_LOAD, keys.shards),
        _share(limits.written, _LARGE_SESSION, keys.shards),
    )


def most_bytes(limits: OwnerLimits, keys: StoreKeys) -> Argument:
    """Return the limit of an owner's bytes on one shard as an argument of a script."""
    return _optional(limits_per_shard(limits, keys).bytes)


def _share(most: int | None, unit: int, shards: int) -> int | None:
    if most is None:
        return None
    share = most / unit / shards
    return min(most, ceil(unit * (share + 4 * sqrt(share))))


def is_undivided(reply: Reply) -> bool:
    """Whether nothing was written, because an earlier release stored the session in one field."""
    return bool(reply[0] == b"undivided")


def parse_commit_reply(reply: Reply) -> CommitResult:
    """Return the result of the commit. Raises `StoreUnavailable` for an unknown reply."""
    match reply:
        case [b"done", *_]:
            return Committed()
        case [b"answered", recorded]:
            return DuplicateRequest(codec.decode_record(recorded))
        case [b"superseded", fields]:
            return RevisionConflict(decode_fields(fields_of(fields)))
        case [b"full", limit] if limit in _LIMIT_NAMES:
            return QuotaExceeded(_LIMIT_NAMES[limit])
        case _:
            raise StoreUnavailable


_LIMIT_NAMES = {name.encode(): name for name in get_args(LimitName)}


def _optional(number: Instant | int | None) -> str | int:
    return "" if number is None else number

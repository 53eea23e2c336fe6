"""How a session is stored in the fields of its hash.

`operations` holds the latest operation ids, the newest first, and `alarm` the instant of the last
alarm. `state` holds the session as JSON.

A session with more than `MOST_UNDIVIDED` participants is stored in parts. Each participant then has
a field of its own, `p` and its `participant_index`, and `state` is the JSON array [number of
participants, session without participants, last whole snapshot in the trail]. An earlier release
can't decode such a state, so it can't take it for a session without participants.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from shared.application.ports.commit import StoredSession, WholeSnapshot
from shared.application.session_encoding import decode_session, encode_session
from shared.application.session_parts import (
    is_divided,
    participant_changes,
    without_participants,
)
from shared.domain.session import Participant, Session
from shared.domain.values import replace
from shared.store.connection import Reply

Fields = Mapping[bytes, bytes]
"""Fields of a session's hash."""

COMMON_FIELDS = (b"operations", b"state", b"alarm")
"""The fields that every session may have."""

_DIVIDED = b"["
"""First byte of the `state` of a session that is stored in parts."""

_PREFIX = b"p"

_PARTICIPANT_OVERHEAD = 64
"""Estimate of the bytes that Redis adds to each field of a participant."""

_encoder = msgspec.json.Encoder()
_cores = msgspec.json.Decoder(tuple[int, Session, WholeSnapshot | None])
_participants = msgspec.json.Decoder(tuple[Participant, ...])


class SessionWrite(NamedTuple):
    """The fields that a commit writes and removes.

    `size` is that of the whole session in bytes. With `in_parts`, `state` is the session without
    participants. `least_fields` is a number of fields that the hash must have at least, because the
    other parts are stored already; 0 if nothing needs to be.
    """

    state: bytes
    size: int
    in_parts: bool = False
    participants: Sequence[tuple[bytes, bytes]] = ()
    removed: Sequence[bytes] = ()
    least_fields: int = 0


def fields_to_write(
    base: Session | None, session: Session | None, last_whole: WholeSnapshot | None = None
) -> SessionWrite:
    """Return what to write so that the hash, which has `base`, has `session` (None: nothing).

    Writes all participants of a divided session unless `base` is divided too.
    """
    stored = base if base and is_divided(base) else None
    if session is None or not is_divided(session):
        state = encode_session(session) if session else b""
        gone = [_field(p.participant_index) for p in stored.participants] if stored else ()
        return SessionWrite(state, len(state), removed=gone)
    state = _encoder.encode((len(session.participants), without_participants(session), last_whole))
    changes = participant_changes(stored or without_participants(session), session)
    return SessionWrite(
        state,
        len(encode_session(session)) + _PARTICIPANT_OVERHEAD * len(session.participants),
        in_parts=True,
        participants=[(_field(p.participant_index), _encoder.encode(p)) for p in changes.changed],
        removed=[_field(index) for index in changes.removed],
        least_fields=len(stored.participants) if stored else 0,
    )


def fields_of(reply: Reply) -> Fields:
    """Return the fields in the reply to `HGETALL`."""
    parts = iter(reply)
    return dict(zip(parts, parts, strict=True))


def decode_fields(fields: Fields) -> StoredSession | None:
    """Decode a session from all fields of its hash; None if it is deleted or doesn't exist.

    Raises `ValueError` if the fields are not those of a session.
    """
    operations, state = fields.get(b"operations"), fields.get(b"state")
    if operations is None or state is None:
        return None
    revision = operations.split(b" ", 1)[0].decode()
    if is_stored_in_parts(fields):
        return _decode_parts(state, fields, revision)
    return StoredSession(decode_session(state), revision)


def is_stored_in_parts(fields: Fields) -> bool:
    """Whether the session has participants in other fields than `COMMON_FIELDS`."""
    return fields.get(b"state", b"").startswith(_DIVIDED)


def size_of(fields: Fields) -> int:
    """Return the bytes of all fields."""
    return sum(map(len, fields.values()))


def _decode_parts(state: bytes, fields: Fields, revision: str) -> StoredSession:
    count, core, last_whole = _cores.decode(state)
    parts = sorted((int(name[1:]), part) for name, part in fields.items() if name[:1] == _PREFIX)
    if len(parts) != count:
        raise ValueError(f"a session of {count} participants has {len(parts)} of them")
    listed = b"[" + b",".join(part for _, part in parts) + b"]"
    session = replace(core, participants=_participants.decode(listed))
    return StoredSession(session, revision, last_whole)


def _field(participant_index: int) -> bytes:
    return b"%b%d" % (_PREFIX, participant_index)

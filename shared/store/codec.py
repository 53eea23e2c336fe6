"""Encoding of recorded answers, mostly readable JSON."""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import msgspec

from shared.application.ports.commit import Commit, IdempotencyRecord
from shared.application.session_encoding import decode_session
from shared.domain.clocks import ClockOwner
from shared.domain.events import Expiry
from shared.domain.units import Instant

_COMPRESSION_LEVEL = 1

_Expired = tuple[str | None, str | None, Mapping[str, Any]]
_Record = tuple[str, str | None, int | None, Instant, _Expired | None]
"""Fingerprint, session name (of a creation only), version, instant of the answer, expiry."""

_records = msgspec.json.Decoder(_Record)
_encoder = msgspec.json.Encoder()


def encode_record(commit: Commit) -> bytes:
    """Return the record of the answer to a commit with a key: one line, without the session."""
    assert commit.key is not None
    expiry = commit.changes[-1].expiry if commit.changes else None
    expired: _Expired | None = None
    if expiry:
        expired = (expiry.side.participant_id, expiry.side.group_id, expiry.action_applied)
    record: _Record = (
        commit.key.fingerprint,
        commit.name if commit.expected is None else None,
        commit.session.version if commit.session else None,
        commit.now,
        expired,
    )
    return _encoder.encode(record)


def compress_state(state: bytes) -> bytes:
    """Compress a session's encoded state to one line of base64."""
    return b64encode(zlib.compress(state, _COMPRESSION_LEVEL))


def decode_record(raw: bytes) -> IdempotencyRecord:
    """Decode a recorded answer as `commit.lua` stores it.

    Its lines are the id of the audit entry, the record, and optionally the session's state.
    """
    entry_id, line, *state = raw.split(b"\n", 2)
    fingerprint, name, version, at, expired = _records.decode(line)
    expiry = expired and Expiry(ClockOwner(expired[0], expired[1]), expired[2])
    session = decode_session(_decompressed(state[0])) if state else None
    return IdempotencyRecord(
        fingerprint, name, version, at, expiry or None, entry_id.decode(), session
    )


def _decompressed(state: bytes) -> bytes:
    return state if state.startswith(b"{") else zlib.decompress(b64decode(state))

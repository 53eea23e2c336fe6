"""How state is written down: compact JSON that any tool can read."""

from dataclasses import dataclass
from typing import Any

import msgspec

from shared.domain.events import Change, EventType
from shared.domain.session import Session
from shared.domain.units import Instant, Millis
from shared.ports import Answer, Commit, RecordedAnswer

_sessions = msgspec.json.Decoder(Session)
_answers = msgspec.json.Decoder(dict[str, Any])
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One event of the audit trail, with the session as it left it."""

    session_id: str
    version: int
    event: EventType
    occurred_at: Instant
    actor: str
    request_id: str | None
    participant_id: str | None
    group_id: str | None
    time_remaining_ms: Millis | None
    time_elapsed_ms: Millis | None
    cycle_number: int
    metadata: dict[str, Any]
    state_snapshot: msgspec.Raw


def encode_session(session: Session) -> bytes:
    """The session's whole state."""
    return _encoder.encode(session)


def decode_session(raw: bytes) -> Session:
    """The inverse of `encode_session`."""
    return _sessions.decode(raw)


def encode_answer(recorded: RecordedAnswer) -> bytes:
    """An answer to be given again."""
    answer = recorded.answer
    return _encoder.encode(
        {
            "fingerprint": recorded.fingerprint,
            "status": answer.status,
            "version": answer.version,
            "location": answer.location,
            "body": answer.body.decode(),
        }
    )


def decode_answer(raw: bytes) -> RecordedAnswer:
    """The inverse of `encode_answer`."""
    fields = _answers.decode(raw)
    answer = Answer(
        fields["status"], fields["body"].encode(), fields["version"], fields["location"]
    )
    return RecordedAnswer(fields["fingerprint"], answer)


def encode_entries(commit: Commit) -> list[bytes]:
    """The audit entries of a commit, oldest first."""
    return [_encoder.encode(_entry(commit, change)) for change in commit.changes]


def _entry(commit: Commit, change: Change) -> AuditEntry:
    metadata = dict(change.metadata or {})
    if change.expiry:
        metadata["action_applied"] = change.expiry.action_applied
    return AuditEntry(
        session_id=commit.session_id,
        version=change.session.version,
        event=change.type,
        occurred_at=change.occurred_at,
        actor="system" if change.type is EventType.TIME_EXPIRED else commit.origin.actor,
        request_id=commit.origin.request_id,
        participant_id=change.side.participant_id,
        group_id=change.side.group_id,
        time_remaining_ms=change.time_remaining_ms,
        time_elapsed_ms=change.time_elapsed_ms,
        cycle_number=change.session.cycle_number,
        metadata=metadata,
        state_snapshot=msgspec.Raw(encode_session(change.session)),
    )

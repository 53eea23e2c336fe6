"""What a client needs of the service's messages."""

from datetime import datetime

import msgspec


class Participant(msgspec.Struct, frozen=True):
    """`total_time_ms` is the bank at the anchor."""

    participant_id: str
    total_time_ms: int


class Banks(msgspec.Struct, frozen=True):
    """What every clock showed at the anchor; all that a press needs of its answer."""

    participants: tuple[Participant, ...]

    def bank_ms(self, participant_id: str) -> int:
        """What a participant's clock showed at the anchor."""
        return next(
            p.total_time_ms for p in self.participants if p.participant_id == participant_id
        )


class State(Banks, frozen=True):
    """A session at one version, with the anchor that its clocks are computed from."""

    version: int
    status: str
    cycle_number: int
    active_participant_id: str | None
    deadline_at: datetime | None
    session_completed_at: datetime | None = None

    @property
    def flag_fell_ms(self) -> int | None:
        """When the flag fell that ended it, by the server's clock; None if none did."""
        if self.status != "expired" or self.session_completed_at is None:
            return None
        return round(self.session_completed_at.timestamp() * 1000)

    @property
    def is_over(self) -> bool:
        """Whether no clock will ever run again."""
        return self.status in ("expired", "completed", "cancelled")

    def remaining_ms(self, participant_id: str, server_now_ms: float) -> float:
        """What a participant's clock shows at `server_now_ms`."""
        if self.deadline_at and participant_id == self.active_participant_id:
            return max(0.0, self.deadline_at.timestamp() * 1000 - server_now_ms)
        return self.bank_ms(participant_id)


class Message(msgspec.Struct, frozen=True):
    """A push; which fields it has depends on its type."""

    type: str
    state: State | None = None
    deadline_ms: int | None = None


class Enveloped(msgspec.Struct, frozen=True):
    """The body of an answer that shows a session."""

    data: State


decode_message = msgspec.json.Decoder(Message).decode
decode_session = msgspec.json.Decoder(Enveloped).decode

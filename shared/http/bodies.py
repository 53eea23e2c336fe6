"""Request bodies (API §2), and the commands they stand for. Unknown fields are refused."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.domain.commands import AdjustTime, Switch
from shared.domain.units import Millis
from shared.http.fields import Duration, Reason, Uuid

MAX_BATCH = 50


class Body(BaseModel):
    """A JSON object with these fields and no others."""

    model_config = ConfigDict(extra="forbid")


class NoFields(Body):
    """An empty object; leaving the body out says the same."""


class SwitchBody(Body):
    """Both optional: who follows, and whose cycle the caller believes it ends."""

    next_participant_id: Uuid | None = None
    current_participant_id: Uuid | None = None

    def command(self) -> Switch:
        """What the body asks for."""
        return Switch(self.next_participant_id, self.current_participant_id)


class AdjustBody(Body):
    """What the clock is to read from this instant on."""

    total_time_ms: Duration
    reason: Reason | None = None

    def command(self, participant_id: str) -> AdjustTime:
        """What the body asks for."""
        return AdjustTime(participant_id, Millis(self.total_time_ms), self.reason)


class BatchBody(Body):
    """Up to 50 sessions to read."""

    session_ids: Annotated[list[Uuid], Field(max_length=MAX_BATCH)]

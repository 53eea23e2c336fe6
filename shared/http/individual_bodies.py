"""Request bodies of `individual`, where each participant has a clock of its own."""

from typing import Annotated

from pydantic import Field

from shared.domain.commands import (
    BeginParticipants,
    PauseParticipant,
    ReopenParticipant,
    ResumeParticipant,
)
from shared.domain.participants import MAX_PARTICIPANTS
from shared.http.fields import Id, Reason
from shared.http.request_bodies import Body


class BeginBody(Body):
    """The participants who begin; by default all who have not begun."""

    participants: Annotated[list[Id], Field(min_length=1, max_length=MAX_PARTICIPANTS)] | None = (
        None
    )

    def command(self) -> BeginParticipants:
        return BeginParticipants(tuple(self.participants or ()))


class ReasonBody(Body):
    """Optionally the reason, for the history."""

    reason: Reason | None = None

    def reopen(self, participant_id: str) -> ReopenParticipant:
        """Return the command that undoes the end of a participant's run."""
        return ReopenParticipant(participant_id, self.reason)

    def pause(self, participant_id: str) -> PauseParticipant:
        """Return the command that stops the participant's clock."""
        return PauseParticipant(participant_id, self.reason)

    def resume(self, participant_id: str) -> ResumeParticipant:
        """Return the command that lets the participant's clock run again."""
        return ResumeParticipant(participant_id, self.reason)

"""Request bodies of `individual`, where each participant has a clock of its own."""

from shared.domain.commands import BeginParticipants
from shared.http.fields import SmallObject
from shared.http.request_bodies import Body, Ids


class BeginBody(Body):
    """The participants who begin; by default all who have not begun.

    `metadata` replaces the session's in the same version; participants may not send it.
    """

    participants: Ids | None = None
    metadata: SmallObject | None = None

    def command(self) -> BeginParticipants:
        return BeginParticipants(tuple(self.participants or ()), self.metadata)

"""Request bodies of `individual`, where each participant has a clock of its own."""

from shared.domain.commands import BeginParticipants
from shared.http.request_bodies import Body, Ids


class BeginBody(Body):
    """The participants who begin; by default all who have not begun."""

    participants: Ids | None = None

    def command(self) -> BeginParticipants:
        return BeginParticipants(tuple(self.participants or ()))

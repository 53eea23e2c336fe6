"""Who is calling."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a caller is to the sessions it asks for (API §4)."""

    SERVICE = "service"
    HOST = "host"
    PARTICIPANT = "participant"
    SPECTATOR = "spectator"


@dataclass(frozen=True, slots=True)
class Caller:
    """One who calls. `subject` is None for those whom nothing but their address tells apart.

    `session_id` is the one session of a participant or spectator. `expires_at` is the instant, in s
    since the Unix epoch on this instance's own clock, from which the token is good no more.
    """

    role: Role
    subject: str | None = None
    tenant: str | None = None
    session_id: str | None = None
    participant_id: str | None = None
    expires_at: float | None = None

    @property
    def actor(self) -> str:
        """The caller's name in the audit trail, which is its tenant's own."""
        return f"{self.role}:{self.subject}" if self.subject else str(self.role)

    @property
    def name(self) -> str:
        """The caller's name among those of all tenants and, bound to one session, of all sessions.

        Whoever makes tokens for one session thereby never speaks for those of another.
        """
        where = f"{self.session_id}:" if self.session_id else ""
        return f"{self.tenant or ''}:{where}{self.actor}"


ANYBODY = Caller(Role.SERVICE)
"""Whoever calls a service that asks for no tokens: a backend on its own machine."""

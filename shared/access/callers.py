"""Callers and their roles."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """The role of a caller (API section 4)."""

    SERVICE = "service"
    HOST = "host"
    PARTICIPANT = "participant"
    SPECTATOR = "spectator"


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller. `subject` is None for anonymous callers, who are told apart only by address.

    `session_id` is the only session of a participant or spectator. `expires_at` is the expiry of
    the token, in s since the Unix epoch on this instance's own clock.
    """

    role: Role
    subject: str | None = None
    tenant: str | None = None
    session_id: str | None = None
    participant_id: str | None = None
    expires_at: float | None = None

    @property
    def actor(self) -> str:
        """The caller's name in the audit trail; unique within its tenant."""
        return f"{self.role}:{self.subject}" if self.subject else str(self.role)

    @property
    def name(self) -> str:
        """The caller's name, unique across tenants and, for a token of one session, sessions.

        A token for one session can therefore never impersonate a caller of another session.
        """
        session = f"{self.session_id}:" if self.session_id else ""
        return f"{self.tenant or ''}:{session}{self.actor}"


ANYBODY = Caller(Role.SERVICE)
"""Every caller when authentication is disabled, such as a backend on the same machine."""

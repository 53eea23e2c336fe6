"""What a participant may do with its own clock, and give to others; refusals name the field."""

from shared.application.errors import Forbidden
from shared.domain.clocks import clocks_of
from shared.domain.commands import (
    AdjustClocks,
    BeginParticipants,
    ClockTarget,
    Command,
    FinishParticipant,
)
from shared.domain.errors import Violation
from shared.domain.session import Participant, Session
from shared.domain.units import Millis


def not_allowed(field: str, message: str) -> Violation:
    """Return the error for a field that the caller may not send, or not with this value."""
    return Violation(field, message, "not_allowed")


def check_own_clock(command: Command | None, participant_id: str | None) -> None:
    """Raise `Forbidden` unless `command` lets that participant begin or finish, and nothing else.

    A body names several participants, or none for all of them; a path names one.
    """
    own_only = "A participant can begin and finish only its own time"
    match command:
        case BeginParticipants(participants, metadata):
            if len(participants) != 1:
                message = "must name the participant of the token only"
                raise Forbidden(own_only, not_allowed("participants", message))
            if participants != (participant_id,):
                raise Forbidden(own_only)
            if metadata is not None:
                raise Forbidden(
                    "A participant can't change the session's metadata",
                    not_allowed("metadata", "is for hosts, cohosts and services only"),
                )
        case FinishParticipant(finisher) if finisher == participant_id:
            return
        case _:
            raise Forbidden(own_only)


def violations_of_gift(
    session: Session, giver: Participant, command: AdjustClocks, most: Millis
) -> list[Violation]:
    """Return what of `command` isn't a gift of 1 to `most` ms to one participant.

    A member of the giver's own group isn't another participant, because both share one clock.
    """
    gift = AdjustClocks(command.to, add_ms=command.add_ms, reason=command.reason)
    violations = [
        not_allowed(field, "can't be sent by a participant")
        for field in command.__struct_fields__
        if getattr(command, field) != getattr(gift, field)
    ]
    if not 1 <= (command.add_ms or 0) <= most:
        violations.append(not_allowed("add_ms", f"must be 1 to {most}ms"))
    receiver_ids = command.to.participants
    if len(receiver_ids) != 1 or command.to != ClockTarget(participants=receiver_ids):
        violations.append(not_allowed("to", "must name one participant"))
    else:
        receiver, side = session.find(receiver_ids[0]), clocks_of(session).side
        if receiver is None or side(giver) == side(receiver):
            message = "must be another participant, with another clock"
            violations.append(not_allowed("to.participants.0", message))
    return violations

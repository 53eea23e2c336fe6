"""Sessions in parts: a change of a large session writes only the participants that it changed."""

from itertools import zip_longest

from shared.domain.session import Participant, Session
from shared.domain.values import Value, remembered_for_two, replace

MOST_UNDIVIDED = 64
"""A session with more participants is stored in parts. A part costs more than its bytes, so a small
session is written faster as a whole."""


class ParticipantChanges(Value, frozen=True):
    """Participants that are new or changed, and the `participant_index` of each removed one."""

    changed: tuple[Participant, ...] = ()
    removed: tuple[int, ...] = ()


def is_divided(session: Session) -> bool:
    """Whether the session is stored in parts."""
    return len(session.participants) > MOST_UNDIVIDED


def without_participants(session: Session) -> Session:
    """Return the part of the session that isn't its participants."""
    return replace(session, participants=())


@remembered_for_two
def participant_changes(before: Session, after: Session) -> ParticipantChanges:
    """Return what must be done to the participants of `before` to get those of `after`.

    A `participant_index` is unique in a session and never changes. Participants are usually the
    same objects, so few are compared. A commit asks three times: for its push, for the trail, and
    for what it writes.
    """
    pairs = [
        pair
        for pair in zip_longest(before.participants, after.participants)
        if pair[0] is not pair[1]
    ]
    old = {p.participant_index: p for p, _ in pairs if p}
    changed = [p for _, p in pairs if p and old.pop(p.participant_index, None) != p]
    return ParticipantChanges(tuple(changed), tuple(old))

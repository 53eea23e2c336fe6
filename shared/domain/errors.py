"""Reasons for which a command is refused.

Refusal
├── RuleViolation         the input breaks a rule; names every field
├── InvalidTransition     the session's status doesn't allow it
├── UnknownParticipant    no such participant in the session
├── NotActiveParticipant  the named participant is not the active one
├── ActiveParticipant     the named participant is the active one
├── WrongRunState         the participant's state in `individual` doesn't allow it
├── StaleVersion          the session no longer has the version that the command names
├── AlreadyScheduled      another command is scheduled
├── NothingScheduled      no command is scheduled
├── NotTestSession        only a test session can be advanced
├── NothingDue            nothing will happen without a command
├── NothingToUndo         no switch is kept that could be undone
└── UndoBlocked           an undo would lose a pause or a correction
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: dotted path of the `field`, `message` for people, `code` for programs."""

    field: str
    message: str
    code: str = "invalid"

    def within(self, path: str) -> "Violation":
        """Return the violation of a field in the object at `path`."""
        return Violation(f"{path}.{self.field}", self.message, self.code)


class Refusal(Exception):
    """A command was refused; nothing has changed."""


class RuleViolation(Refusal):
    """The input is inconsistent with itself, the mode or the session."""

    def __init__(self, *violations: Violation, summary: str = "Request validation failed") -> None:
        super().__init__(summary)
        self.violations = violations


class InvalidTransition(Refusal):
    """The session's status doesn't allow the command."""

    def __init__(self, message: str, status: str) -> None:
        super().__init__(f"Session {message} (status: {status})")


class UnknownParticipant(Refusal):
    """The session has no participant with that id."""

    def __init__(self, participant_id: str) -> None:
        super().__init__("Participant not found in this session")
        self.participant_id = participant_id


class NotActiveParticipant(Refusal):
    """`current_participant_id` is not, or no longer, the active participant."""

    def __init__(self, active_participant_id: str | None) -> None:
        super().__init__("current_participant_id is not the active participant")
        self.active_participant_id = active_participant_id


class ActiveParticipant(Refusal):
    """The participant has the running or paused cycle, so it can't leave."""

    def __init__(self, participant_id: str) -> None:
        super().__init__("The active participant cannot be removed")
        self.active_participant_id = participant_id


class WrongRunState(Refusal):
    """The participant has not begun, has ended, or is otherwise in a state without this command."""

    def __init__(self, participant_id: str, message: str, state: str) -> None:
        super().__init__(f"Participant {participant_id} {message} (state: {state})")


class StaleVersion(Refusal):
    """The session no longer has the version that the command names."""

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(f"The session has version {actual}, not {expected}")
        self.expected = expected
        self.actual = actual


class AlreadyScheduled(Refusal):
    """Another command is scheduled; only a stop that comes before it may replace a stop."""

    def __init__(self, operation: str, effective_at: int) -> None:
        super().__init__(f"Another command is scheduled ({operation}): unschedule it first")
        self.operation = operation
        self.effective_at = effective_at


class NothingScheduled(Refusal):
    """No command is scheduled, or it has taken effect."""

    def __init__(self) -> None:
        super().__init__("No command is scheduled, or it has taken effect already")


class NotTestSession(Refusal):
    """Only a session that was created with `test: true` can be advanced."""

    def __init__(self) -> None:
        super().__init__("Only a session that was created with test: true can be advanced")


class NothingDue(Refusal):
    """Nothing will happen in the session without a command."""

    def __init__(self) -> None:
        super().__init__("Nothing will happen in this session without a command")


class NothingToUndo(Refusal):
    """No switch is kept that could be undone."""

    def __init__(self) -> None:
        super().__init__("There is no switch to undo; a session keeps its last 8")


class UndoBlocked(Refusal):
    """A pause or a correction since the switch would be lost, or the clock would have run out."""

    def __init__(
        self,
        message: str = "The session was paused or corrected since: undo with mode as_if_never",
    ) -> None:
        super().__init__(message)

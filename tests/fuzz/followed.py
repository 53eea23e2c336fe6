"""The expected state, events and answers of one session."""

from dataclasses import dataclass, field
from typing import Any

from tests.fuzz.account import ExpectedClocks, epoch_ms
from tests.resilience.linearizability.exchange import Answer, Asked, Opening, Verb
from tests.resilience.linearizability.game import Game
from tests.resilience.linearizability.specification import Specification, State

EVENTS = {
    Verb.CREATE: "session_created",
    Verb.START: "session_started",
    Verb.SWITCH: "cycle_switched",
    Verb.GO: "cycle_switched",
    Verb.PAUSE: "session_paused",
    Verb.RESUME: "session_resumed",
    Verb.COMPLETE: "session_completed",
    Verb.CANCEL: "session_cancelled",
    Verb.DELETE: "session_deleted",
    Verb.ADD: "participant_added",
    Verb.ADJUST: "participant_time_adjusted",
    Verb.GIVE: "time_adjusted",
    Verb.PAUSE_AHEAD: "command_scheduled",
    Verb.UNSCHEDULE: "command_unscheduled",
    Verb.RUN_BEGIN: "participant_begun",
    Verb.RUN_FINISH: "participant_finished",
    Verb.RUN_REOPEN: "participant_reopened",
    Verb.RUN_PAUSE: "participant_paused",
    Verb.RUN_RESUME: "participant_resumed",
    Verb.FORFEIT: "participant_closed",
}


@dataclass(slots=True)
class TrackedSession:
    """A session's expected state, and one event and one answer for each version."""

    session_id: str
    opening: Opening
    clocks: ExpectedClocks
    state: State = field(default_factory=State)
    last_keyed: Asked | None = None
    """The last request that carried an idempotency key."""
    events: list[tuple[str, str]] = field(default_factory=list)
    """Name and request id of each."""
    answers: list[Any] = field(default_factory=list)

    @classmethod
    def of(cls, session_id: str, opening: Opening) -> "TrackedSession":
        """Return a session that is yet to be created."""
        return cls(session_id, opening, ExpectedClocks.of(opening, Game.of(opening)))

    @property
    def game(self) -> Game | None:
        """The session's state; `None` before its creation and after its deletion."""
        return self.state.game

    @property
    def version(self) -> int:
        """The last version; a deletion also makes one."""
        return len(self.events)

    def apply(self, asked: Asked) -> Answer:
        """Apply `asked` to the expected state and return the expected answer."""
        self.state, answer = Specification().step(self.state, asked)
        self.last_keyed = asked if asked.key else self.last_keyed
        return answer

    def record_change(self, asked: Asked, request_id: str, data: Any) -> None:
        """Record the event and the answer of an accepted change."""
        ends = asked.verb is Verb.SWITCH and self.game and self.game.status == "completed"
        event = EVENTS[Verb.COMPLETE if ends else asked.verb]
        self.events.append((event, request_id))
        self.answers.append(data)

    def record_times(self, asked: Asked, before: Game | None, read: Any) -> None:
        """Record what the change did to the clocks; `read` was read after it."""
        at = epoch_ms(read["updated_at"])
        if before and self.game:
            self.clocks.record(asked, before, self.game, at)
        self.clocks.changed_at = at

"""One session as it should be, beside what the service says of it."""

from dataclasses import dataclass, field
from typing import Any

from tests.fuzz.account import Account, instant_of
from tests.resilience.linearizability.exchange import Answer, Asked, Opening, Verb
from tests.resilience.linearizability.game import Game
from tests.resilience.linearizability.specification import Specification, State

EVENTS = {
    Verb.CREATE: "session_created",
    Verb.START: "session_started",
    Verb.SWITCH: "cycle_switched",
    Verb.PAUSE: "session_paused",
    Verb.RESUME: "session_resumed",
    Verb.COMPLETE: "session_completed",
    Verb.CANCEL: "session_cancelled",
    Verb.DELETE: "session_deleted",
    Verb.ADD: "participant_added",
    Verb.ADJUST: "participant_time_adjusted",
}


@dataclass(slots=True)
class Followed:
    """A session, and all that was accepted: one event and one answer for each version."""

    session_id: str
    opening: Opening
    account: Account
    state: State = field(default_factory=State)
    keyed: Asked | None = None
    """The last request that carried an idempotency key."""
    events: list[tuple[str, str]] = field(default_factory=list)
    """Name and request id."""
    answered: list[Any] = field(default_factory=list)

    @classmethod
    def of(cls, session_id: str, opening: Opening) -> "Followed":
        """One that is to be created."""
        return cls(session_id, opening, Account.of(opening, Game.of(opening)))

    @property
    def game(self) -> Game | None:
        """The session, if it is there."""
        return self.state.game

    @property
    def version(self) -> int:
        """The last one; a deletion made one too."""
        return len(self.events)

    def take(self, asked: Asked) -> Answer:
        """Do what `asked` must do; what it must answer."""
        self.state, answer = Specification().step(self.state, asked)
        self.keyed = asked if asked.key else self.keyed
        return answer

    def note(self, asked: Asked, request_id: str, data: Any) -> None:
        """Put an accepted change on record, with its answer."""
        self.events.append((EVENTS[asked.verb], request_id))
        self.answered.append(data)

    def enter(self, asked: Asked, before: Game | None, read: Any) -> None:
        """Put what the change meant for the clocks into the account, out of a read behind it."""
        at = instant_of(read["updated_at"])
        if before and self.game:
            self.account.note(asked, before, self.game, at)
        self.account.changed_at = at

"""What would happen to a session if commands came at given instants."""

from collections.abc import Iterator, Sequence

from shared.domain.commands import Command
from shared.domain.errors import Refusal
from shared.domain.events import SessionStep
from shared.domain.session import Session
from shared.domain.settlement import settle
from shared.domain.transition import transition
from shared.domain.units import Instant
from shared.domain.values import Value


class TimedCommand(Value, frozen=True):
    """A command, and the instant at which it comes."""

    at: Instant
    command: Command


class RefusedCommand(Value, frozen=True):
    """The command at `position` in the list would be refused; the session stays as it is."""

    session: Session
    occurred_at: Instant
    position: int
    refusal: Refusal


def simulate(
    session: Session, commands: Sequence[TimedCommand], until: Instant
) -> Iterator[SessionStep | RefusedCommand]:
    """Yield what would happen up to `until`, oldest first. The input stays as it is.

    `commands` must be in the order of their instants, none after `until`. At one instant,
    what is due without a command comes first, as in the service.
    """
    for position, timed in enumerate(commands):
        for step in settle(session, timed.at, timed.command):
            yield step
            session = step.session
        try:
            change = transition(session, timed.command, timed.at)
        except Refusal as refusal:
            yield RefusedCommand(session, timed.at, position, refusal)
        else:
            yield change
            session = change.session
    yield from settle(session, until)

"""Properties of the history of any random session, with and without lag compensation."""

import msgspec

from shared.domain.errors import Refusal
from shared.domain.events import TimeWarning
from shared.domain.session import Session
from shared.domain.settlement import settle
from shared.domain.timekeeping import at_time
from shared.domain.units import Instant
from tests.unit.domain.ledger import Ledger, shown
from tests.unit.domain.random_games import RandomSession, opened, run_commands


def after_last_command(generated: RandomSession) -> tuple[Session, Instant]:
    """The session after the last command of `generated`, and the instant of that command."""
    session, now = opened(generated), generated.created_at
    for run in run_commands(generated):
        session, now = run.after, run.now
    return session, now


def settled(session: Session, now: Instant) -> Session:
    """The session after everything that is due by `now`."""
    for step in settle(session, now):
        session = step.session
    return session


def check_settling_in_steps(generated: RandomSession, gaps: list[int]) -> None:
    """Assert that settling at once and after each of the `gaps`, in ms, equals settling at the end.

    After an undo `as_if_never`, a flag may have fallen at an instant that has passed.
    """
    session, now = after_last_command(generated)
    in_steps, steps = session, []
    for gap in (0, *gaps):
        now = Instant(now + gap)
        steps += list(settle(in_steps, now))
        in_steps = steps[-1].session if steps else session
    assert steps == list(settle(session, now))
    assert in_steps == settled(session, now)


def check_reading(generated: RandomSession, gap: int, more: int) -> None:
    """Assert that a read after `gap` ms doesn't change what a read `more` ms later shows."""
    session, now = after_last_command(generated)
    then = Instant(now + gap + more)
    read_on_the_way = settled(session, Instant(now + gap))
    assert at_time(settled(read_on_the_way, then), then) == at_time(settled(session, then), then)


def check_versions(generated: RandomSession) -> None:
    """Assert that each change is one version, and that warnings and refusals are none."""
    before = opened(generated)
    for run in run_commands(generated):
        for step in run.steps:
            grown = 0 if isinstance(step, TimeWarning) else 1
            assert step.session.version == before.version + grown
            before = step.session
        assert (run.after.version == run.settled.version) == isinstance(run.result, Refusal)


def check_granted_time(generated: RandomSession) -> None:
    """Assert that used and remaining time add up to the granted time.

    No clock is negative unless the session counts overruns.
    """
    session = opened(generated)
    ledger = Ledger(generated.opening)
    ledger.open(session)
    for run in run_commands(generated):
        for step in run.steps:
            ledger.record(session, step, run.command if step is run.result else None)
            session = step.session
            assert shown(session) == ledger.remaining(session)
            assert generated.opening.overtime or min([0, *shown(session).values()]) == 0


def check_json(generated: RandomSession) -> None:
    """Assert that each state is the same after a round trip through JSON."""
    for run in run_commands(generated):
        for step in run.steps:
            session = step.session
            assert msgspec.json.decode(msgspec.json.encode(session), type=Session) == session

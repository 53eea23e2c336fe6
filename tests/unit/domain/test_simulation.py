"""A simulation shows what the same commands do when they come."""

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import Refusal
from shared.domain.events import SessionStep
from shared.domain.simulation import RefusedCommand, TimedCommand, simulate
from shared.domain.units import Instant
from tests.unit.domain.history_checks import settled
from tests.unit.domain.random_games import RandomSession, opened, random_sessions, run_commands


@given(random_sessions(), st.integers(0, 100_000))
def test_a_simulation_equals_the_real_history(generated: RandomSession, rest: int) -> None:
    expected: list[SessionStep | tuple[int, str]] = []
    commands: list[TimedCommand] = []
    session, now = opened(generated), generated.created_at
    for run in run_commands(generated):
        expected += run.due
        if isinstance(run.result, Refusal):
            expected.append((len(commands), str(run.result)))
        else:
            expected.append(run.result)
        commands.append(TimedCommand(run.now, run.command))
        session, now = run.after, run.now
    until = Instant(now + rest)
    seen: list[SessionStep | tuple[int, str]] = []
    last = opened(generated)
    for step in simulate(last, commands, until):
        if isinstance(step, RefusedCommand):
            seen.append((step.position, str(step.refusal)))
        else:
            seen.append(step)
        last = step.session
    assert seen[: len(expected)] == expected
    assert last == settled(session, until)

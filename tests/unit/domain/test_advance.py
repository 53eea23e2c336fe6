"""Test sessions: what an advance does is what waiting would have done."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import commands as c
from shared.domain.advance import advance
from shared.domain.errors import NothingDue, NotTestSession, Refusal, RuleViolation
from shared.domain.events import EventType, SessionChange, SessionStep, TimeWarning
from shared.domain.session import Session, Status
from shared.domain.settlement import settle
from shared.domain.timekeeping import next_wakeup
from shared.domain.units import Instant, Millis
from shared.domain.values import replace
from shared.domain.virtual_clock import MAX_ADVANCE, MAX_ADVANCED, VirtualClock
from tests.fuzz.extent import extent
from tests.unit.domain import individual_games
from tests.unit.domain.random_games import (
    RandomSession,
    ahead_sessions,
    apply,
    lagging_sessions,
    opened,
    overrun_sessions,
    programme_sessions,
    random_sessions,
    run_commands,
    scheduled_sessions,
)
from tests.unit.domain.scenarios import (
    Play,
    chess,
    exam,
    on_timeout,
    poker,
    sitting,
)

examples = extent(short=40, full=2_000)
_MANY = 1_000

every_session = st.one_of(
    random_sessions(),
    scheduled_sessions(),
    ahead_sessions(),
    overrun_sessions(),
    programme_sessions(),
    lagging_sessions(),
    individual_games.random_sessions(),
)


def advanced(session: Session, now: int, most: int = _MANY, **how: Any) -> list[SessionStep]:
    """What an advance by `by_ms` or `to` an instant does."""
    return advance(session, c.Advance(**how), Instant(now), most)


def time_of(session: Session, started_at: int = 0) -> int:
    """The session's time if no real time has passed since `started_at`."""
    assert session.virtual_clock is not None
    return started_at + session.virtual_clock.advanced_ms


def as_test(play: Play) -> Session:
    """The session of `play` as a test session."""
    return replace(play.session, virtual_clock=VirtualClock())


def without_advances(session: Session) -> Session:
    """The session without what an advance leaves in it: its clock, and a version."""
    scheduled = session.scheduled and replace(session.scheduled, version=0)
    clear: dict[str, Any] = {"version": 0, "virtual_clock": None}
    return replace(session, **clear, scheduled=scheduled)


def facts(steps: list[SessionStep]) -> Iterator[SessionStep]:
    """The steps but the advances, without version numbers."""
    for step in steps:
        if isinstance(step, SessionChange):
            if step.type is EventType.SESSION_ADVANCED:
                continue
            known = {k: v for k, v in (step.metadata or {}).items() if k != "scheduled_version"}
            step = replace(step, metadata=known)
        yield replace(step, session=without_advances(step.session))


@examples
@given(every_session, st.integers(1, 4), st.integers(0, 60_000))
def test_an_advance_is_equal_to_waiting(generated: RandomSession, most: int, more: int) -> None:
    waited: list[SessionStep] = []
    steps: list[SessionStep] = []
    session = replace(opened(generated), virtual_clock=VirtualClock())
    now = generated.created_at
    for run in run_commands(generated):
        waited += run.steps
        session, steps, now = _moved(session, steps, now, run.now, most)
        for step in settle(session, now, run.command):
            steps.append(step)
            session = step.session
        result = apply(session, run.command, now)
        assert type(result) is type(run.result)
        if isinstance(result, SessionChange):
            steps.append(result)
            session = result.session
        end = run.after
    if generated.moves:
        until = Instant(now + more)
        waited += settle(end, until)
        session, steps, now = _moved(session, steps, now, until, most)
        assert list(facts(steps)) == list(facts(waited))
        last = waited[-1].session if waited else end
        assert without_advances(session) == without_advances(last)
        assert time_of(session, generated.created_at) == until


def _moved(
    session: Session, steps: list[SessionStep], now: Instant, until: Instant, most: int
) -> tuple[Session, list[SessionStep], Instant]:
    """Advance to `until`, with at most `most` steps at once."""
    while now < until:
        done = advanced(session, now, most, to=until)
        *on_the_way, last = done
        assert len(on_the_way) <= most
        session, now = last.session, last.occurred_at
        assert session.virtual_clock is not None
        assert session.virtual_clock.left_ms == until - now
        steps = [*steps, *done]
        # As in the service, what else is due at the instant of a cut comes before the next command.
        for step in settle(session, now):
            steps.append(step)
            session = step.session
    return session, steps, now


@examples
@given(every_session, st.integers(0, 60_000))
def test_the_virtual_clock_stands_at_the_instant_of_each_step(
    generated: RandomSession, by_ms: int
) -> None:
    session = replace(opened(generated), virtual_clock=VirtualClock())
    created_at = generated.created_at
    for step in advanced(session, created_at, by_ms=by_ms):
        assert time_of(step.session, created_at) >= step.occurred_at
        if step.session.lag is None:
            assert time_of(step.session, created_at) == step.occurred_at


def test_a_three_hour_exam_passes_at_once() -> None:
    hours = 3 * 3_600_000
    play = Play(exam(hours, warn_at_ms=(Millis(300_000),))).start()
    steps = advanced(as_test(play), 0, by_ms=hours)
    assert [(type(step), step.occurred_at) for step in steps] == [
        (TimeWarning, hours - 300_000),
        (SessionChange, hours),
        (SessionChange, hours),
    ]
    *_, expired, last = steps
    assert isinstance(last, SessionChange)
    assert (expired.session.status, last.type) == (Status.EXPIRED, EventType.SESSION_ADVANCED)
    assert last.metadata == {"by_ms": hours, "advanced_ms": hours, "left_ms": 0}
    assert last.session.version == expired.session.version + 1


def test_the_event_shows_the_clock_at_the_end_of_the_advance() -> None:
    (last,) = advanced(as_test(Play(chess(60_000)).start()), 0, by_ms=2_500)
    assert isinstance(last, SessionChange)
    assert (last.time_remaining_ms, last.time_elapsed_ms) == (57_500, 2_500)
    assert last.session.cycle_started_at == 0, "an advance doesn't move the anchor"


def test_an_advance_stops_at_the_limit_and_says_what_is_left() -> None:
    play = Play(poker(10_000, auto_advance=True)).start()
    *switches, last = advanced(as_test(play), 0, 3, by_ms=60_000)
    assert [step.occurred_at for step in switches] == [10_000, 20_000, 30_000]
    assert last.occurred_at == 30_000
    assert last.session.virtual_clock == VirtualClock(Millis(30_000), Millis(30_000))
    *switches, last = advanced(last.session, 30_000, 3, by_ms=30_000)
    assert [step.occurred_at for step in switches] == [40_000, 50_000, 60_000]
    assert last.session.virtual_clock == VirtualClock(Millis(60_000))


def test_an_advance_until_the_next_instant_ends_there() -> None:
    play = Play(chess(60_000, action_on_timeout=on_timeout("end_session"), warn_at_ms=(5_000,)))
    warning, last = advanced(as_test(play.start()), 1_000)
    assert isinstance(warning, TimeWarning)
    assert warning.occurred_at == last.occurred_at == 55_000
    _, flag, last = [*advanced(last.session, 55_000), last][-3:]
    assert last.occurred_at == 55_000
    assert flag.occurred_at == 60_000


def test_everything_at_the_next_instant_happens() -> None:
    play = Play(sitting(total=10_000)).start()
    ann, ben, last = advanced(as_test(play), 0)
    assert [ann.occurred_at, ben.occurred_at, last.occurred_at] == [10_000, 10_000, 10_000]


def test_a_session_in_which_nothing_is_due_has_no_next_instant() -> None:
    session = as_test(Play(chess(60_000)))
    assert next_wakeup(session) is None
    with pytest.raises(NothingDue):
        advanced(session, 0)


def test_only_a_test_session_can_be_advanced() -> None:
    with pytest.raises(NotTestSession):
        advanced(chess(60_000), 0, by_ms=1_000)


@pytest.mark.parametrize(
    ("how", "field", "code"),
    [
        ({"by_ms": MAX_ADVANCE + 1}, "ms", "too_big"),
        ({"to": 1_000 + MAX_ADVANCE + 1}, "to", "too_big"),
        ({"to": 999}, "to", "too_soon"),
    ],
)
def test_an_advance_has_bounds(how: dict[str, Any], field: str, code: str) -> None:
    assert violation(lambda: advanced(as_test(Play(chess(60_000))), 1_000, **how)) == (field, code)
    assert advanced(as_test(Play(chess(60_000))), 1_000, by_ms=MAX_ADVANCE)


def test_all_advances_together_have_a_bound() -> None:
    clock = VirtualClock(Millis(MAX_ADVANCED - 500))
    session = replace(chess(60_000), virtual_clock=clock)
    assert violation(lambda: advanced(session, 0, by_ms=501)) == ("ms", "too_big")
    assert advanced(session, 0, by_ms=500)


def violation(call: Any) -> tuple[str, str]:
    with pytest.raises(Refusal) as raised:
        call()
    assert isinstance(raised.value, RuleViolation)
    (one,) = raised.value.violations
    return one.field, one.code

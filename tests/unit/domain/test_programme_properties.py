"""Properties of programmes and overruns that hold for random histories."""

from itertools import accumulate, cycle, islice
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from shared.application.session_view import SessionView, session_view
from shared.domain import commands as c
from shared.domain.events import EventType
from shared.domain.programme import OnEnd, Programme
from shared.domain.session import Session, Status
from shared.domain.settlement import settle
from shared.domain.timekeeping import at_time
from shared.domain.units import Instant
from shared.domain.values import replace
from tests.fuzz.extent import extent
from tests.unit.domain.history_checks import (
    check_granted_time,
    check_json,
    check_settling_in_steps,
    check_versions,
)
from tests.unit.domain.random_games import (
    RandomSession,
    overrun_sessions,
    programme_sessions,
    programmes,
    run_commands,
)
from tests.unit.domain.scenarios import agenda, play

histories = overrun_sessions() | programme_sessions()
gaps = st.lists(st.integers(0, 30_000), max_size=8)


def view(session: Session, at: Instant) -> SessionView:
    return session_view(session, at)


def total_ms(shown: SessionView) -> int:
    """The time of all items."""
    return sum(one.used_ms + one.over_ms for one in shown.items or ())


@extent(short=30, full=3_000)
@given(histories, gaps)
def test_settling_in_steps_is_the_same_as_settling_late(
    generated: RandomSession, steps: list[int]
) -> None:
    check_settling_in_steps(generated, steps)


@extent(short=30, full=3_000)
@given(histories)
def test_each_change_is_one_version(generated: RandomSession) -> None:
    check_versions(generated)


@extent(short=30, full=3_000)
@given(histories)
def test_used_and_shown_time_add_up_to_the_granted_time(generated: RandomSession) -> None:
    check_granted_time(generated)


@extent(short=30, full=3_000)
@given(histories)
def test_each_state_survives_json(generated: RandomSession) -> None:
    check_json(generated)


@extent(short=30, full=3_000)
@given(programmes(), st.sampled_from((False, True)))
def test_a_chain_of_items_neither_loses_nor_gains_a_millisecond(
    programme: Programme, overtime: Literal[False, True]
) -> None:
    items = [replace(one, on_end=OnEnd.NEXT) for one in programme.items]
    position = play(agenda(*items, repeat=programme.repeat, overtime=overtime)).start(at=7)
    lengths = [one.duration_ms for one in items] * programme.repeat
    over = position.until(10**9)
    assert [at for at, _ in over.expired_at] == list(accumulate(lengths, initial=7))[1:]
    assert over.status is Status.EXPIRED
    shown = over.shown(10**9)
    assert [(one.used_ms, one.over_ms) for one in shown.items or ()] == [
        (one.duration_ms * programme.repeat, 0) for one in items
    ]
    assert shown.offset_ms == 0


@extent(short=30, full=3_000)
@given(programme_sessions())
def test_used_and_over_time_add_up_to_the_time_that_the_session_ran(
    generated: RandomSession,
) -> None:
    """Without overtime, an item that waits at zero stops the time."""
    ran, since = 0, None
    for run in run_commands(generated):
        for step in run.steps:
            if since is not None:
                ran += step.occurred_at - since
            is_running = step.session.status is Status.RUNNING
            since = step.occurred_at if is_running else None
            elapsed = total_ms(view(step.session, step.occurred_at))
            assert elapsed == at_time(step.session, step.occurred_at).used_ms
            assert elapsed == ran if generated.opening.overtime else elapsed <= ran


@extent(short=30, full=3_000)
@given(programme_sessions())
def test_an_item_is_over_only_where_its_clock_was_at_zero(generated: RandomSession) -> None:
    for run in run_commands(generated):
        for step in run.steps:
            shown = view(step.session, step.occurred_at)
            for one in shown.items or ():
                assert one.used_ms >= 0
                assert one.over_ms == 0 or (shown.overtime and one.on_end is OnEnd.WAIT)


@extent(short=30, full=3_000)
@given(programme_sessions())
def test_the_offset_of_a_programme_that_has_ended_is_the_sum_of_the_differences(
    generated: RandomSession,
) -> None:
    for run in run_commands(generated):
        for step in run.steps:
            programme = step.session.programme
            assert programme is not None
            if step.session.status.is_terminal and programme.next_place is None:
                shown = view(step.session, step.occurred_at)
                planned = sum(one.planned_ms for one in shown.items or ())
                assert shown.offset_ms == total_ms(shown) - planned


@extent(short=30, full=3_000)
@given(programmes(), st.lists(st.integers(1, 30_000), min_size=1, max_size=13))
def test_with_overtime_the_offset_is_the_sum_of_the_differences_of_the_items_so_far(
    programme: Programme, spans: list[int]
) -> None:
    """Every item waits and is ended by a switch, in order; the last one is running."""
    items = [replace(one, on_end=OnEnd.WAIT) for one in programme.items]
    count = min(len(spans), len(items) * programme.repeat)
    position, now, differences = (
        play(agenda(*items, repeat=programme.repeat, overtime=True)).start(),
        0,
        0,
    )
    for span, one in zip(spans[: count - 1], cycle(items), strict=False):
        now += span
        position = position.switch(at=now)
        differences += span - one.duration_ms
    current = next(islice(cycle(items), count - 1, None))
    over = max(0, spans[count - 1] - current.duration_ms)
    shown = position.shown(now + spans[count - 1])
    assert shown.offset_ms == differences + over
    assert shown.over_ms == over


@extent(short=30, full=3_000)
@given(programme_sessions())
def test_undoing_a_switch_at_once_restores_the_items(generated: RandomSession) -> None:
    for run in run_commands(generated):
        change = run.result
        if isinstance(run.command, c.GoToItem | c.Switch) and run.after.status is Status.RUNNING:
            if isinstance(change, Exception) or change.type is not EventType.CYCLE_SWITCHED:
                continue
            undone = play(run.after).undo("before_switch", at=run.now)
            before = view(run.settled, run.now)
            after = undone.shown(run.now)
            for name in ("items", "round", "active_item_id", "offset_ms", "clock", "over_ms"):
                assert getattr(after, name) == getattr(before, name), name
            assert list(settle(undone.session, run.now)) == []

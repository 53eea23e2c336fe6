"""Clocks on the wire: an older state draws them right after a change without a command too."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synckairos.wire_clock import shown

from shared.application.session_view import SessionView, session_view
from shared.domain import commands as c
from shared.domain.session import Session, Status
from shared.domain.soft_close import SoftClose
from shared.domain.time_control import Overtime, TimeControl
from shared.domain.units import Instant, Millis
from tests.fuzz.extent import extent
from tests.unit.domain.history_checks import after_last_command, settled
from tests.unit.domain.random_games import RandomSession, scheduled_sessions
from tests.unit.domain.scenarios import ANNA, BEN, chess, exam, play, poker, sitting

MINUTE, HOUR = 60_000, 3_600_000


def clocks_of_view(view: SessionView) -> dict[str, Any]:
    """Every clock of the state that runs toward zero, and the elapsed time, by name."""
    state = msgspec.to_builtins(view)
    named = {name: state.get(name) for name in ("clock", "session_clock", "cycle_clock")}
    named |= {p["participant_id"]: p.get("clock") for p in state["participants"]}
    return {**named, "elapsed": state["elapsed_clock"]}


def drawn(session: Session, read_at: int, at: int) -> dict[str, float | None]:
    """The clocks of a state that was read at `read_at`, as a client draws them at `at`."""
    clocks = clocks_of_view(session_view(session, Instant(read_at)))
    return {name: clock and shown(clock, read_at, at) for name, clock in clocks.items()}


@pytest.mark.parametrize("total", [None, 30 * MINUTE, 50 * MINUTE])
@pytest.mark.parametrize("at", [5 * MINUTE, 20 * MINUTE, 40 * MINUTE, HOUR - 1])
def test_the_clock_of_a_paused_session_falls_toward_a_fixed_end(total: int | None, at: int) -> None:
    paused = play(exam(total, ends_at=HOUR)).start().pause(at=5 * MINUTE).session
    line = drawn(paused, 5 * MINUTE, at)
    assert line["clock"] == line["session_clock"] == min((total or HOUR) - 5 * MINUTE, HOUR - at)
    assert line["elapsed"] == 5 * MINUTE
    assert line == drawn(paused, at, at)


def test_the_clock_of_a_session_whose_end_moves_stands_still_in_a_pause() -> None:
    paused = play(exam(ends_at=HOUR, moves_with_pause=True)).start().pause(at=MINUTE).session
    assert drawn(paused, MINUTE, HOUR)["clock"] == 59 * MINUTE


def test_the_cycles_clock_stands_still_in_a_pause() -> None:
    paused = play(exam(cycle=50 * MINUTE, ends_at=HOUR)).start().pause(at=10 * MINUTE).session
    line = drawn(paused, 10 * MINUTE, 30 * MINUTE)
    assert (line["cycle_clock"], line["session_clock"], line["clock"]) == (
        40 * MINUTE,
        30 * MINUTE,
        30 * MINUTE,
    )


@pytest.mark.parametrize(
    "session",
    [
        pytest.param(exam(HOUR, start_at=MINUTE), id="global"),
        pytest.param(exam(ends_at=HOUR, start_at=MINUTE), id="end"),
        pytest.param(exam(HOUR, 10 * MINUTE, ends_at=HOUR, start_at=MINUTE), id="all"),
        pytest.param(chess(HOUR, start_at=MINUTE), id="per_participant"),
        pytest.param(
            chess(HOUR, time_control=TimeControl(delay_ms=Millis(5_000)), start_at=MINUTE),
            id="delay",
        ),
        pytest.param(
            chess(
                HOUR,
                time_control=TimeControl(increment_ms=Millis(2_000), first_turn=True),
                start_at=MINUTE,
            ),
            id="first_turn",
        ),
        pytest.param(poker(HOUR, start_at=MINUTE), id="per_cycle"),
    ],
)
@pytest.mark.parametrize("at", [500, MINUTE, MINUTE + 300, 3 * MINUTE])
def test_the_clocks_run_from_the_start_on_before_the_start_is_noticed(
    session: Session, at: int
) -> None:
    assert drawn(session, 500, at) == drawn(settled(session, Instant(at)), at, at)


@pytest.mark.parametrize("total", [None, 30 * MINUTE, HOUR])
@pytest.mark.parametrize("closes_at", [None, 40 * MINUTE, 2 * HOUR])
@pytest.mark.parametrize("at", [500, MINUTE, MINUTE + 300, 20 * MINUTE])
def test_the_clocks_of_participants_run_from_the_start_on(
    total: int | None, closes_at: int | None, at: int
) -> None:
    session = sitting(
        total=total,
        start_at=Instant(MINUTE),
        closes_at=None if closes_at is None else Instant(closes_at),
        allow_cut=True,
    )
    before, since = drawn(session, 500, at), drawn(settled(session, Instant(at)), at, at)
    for name in (ANNA, BEN, "session_clock", "elapsed"):
        assert before[name] == since[name]


def test_a_clock_shows_the_gain_of_the_start_as_soon_as_that_has_an_instant() -> None:
    control = TimeControl(increment_ms=Millis(2_000), first_turn=True)
    waiting = play(chess(HOUR, time_control=control))
    assert drawn(waiting.session, 0, 2 * MINUTE)[ANNA] == HOUR
    scheduled = waiting.do(c.Schedule(c.Start(), Instant(40_000)), 500).session
    for session in (scheduled, chess(HOUR, time_control=control, start_at=40_000)):
        at_start, later = drawn(session, 600, 40_000), drawn(session, 600, MINUTE)
        assert [at_start[name] for name in ("clock", ANNA, BEN)] == [HOUR + 2_000] * 3
        assert (later[ANNA], later[BEN]) == (HOUR - 18_000, HOUR + 2_000)


def test_a_pending_session_without_a_start_has_the_time_until_its_end() -> None:
    line = drawn(exam(ends_at=HOUR), 0, MINUTE)
    assert (line["clock"], line["elapsed"]) == (HOUR - MINUTE, 0)


@extent(short=150, full=2_000)
@given(scheduled_sessions(), st.integers(0, 20_000), st.integers(0, 20_000))
def test_a_stopped_sessions_clocks_are_drawn_right_from_any_older_state(
    generated: RandomSession, gap: int, later: int
) -> None:
    session, now = after_last_command(generated)
    read_at, at = Instant(now + gap), Instant(now + gap + later)
    session = settled(session, read_at)
    if settled(session, at).version == session.version and session.status is not Status.RUNNING:
        assert drawn(session, read_at, at) == drawn(session, at, at)


@pytest.mark.parametrize(
    "session",
    [
        pytest.param(exam(HOUR, 50 * MINUTE, ends_at=2 * HOUR), id="global"),
        pytest.param(chess(HOUR), id="per_participant"),
        pytest.param(poker(HOUR), id="per_cycle"),
        pytest.param(sitting(total=HOUR), id="individual"),
        pytest.param(
            chess(
                20_000,
                time_control=TimeControl(
                    delay_ms=Millis(9_000), overtime=Overtime(period_ms=Millis(5_000), periods=9)
                ),
            ),
            id="phases",
        ),
        pytest.param(exam(ends_at=HOUR), id="fixed_end"),
        pytest.param(exam(30 * MINUTE, 9 * MINUTE, ends_at=30 * MINUTE), id="cycle_and_end"),
        pytest.param(exam(ends_at=HOUR, moves_with_pause=True), id="moving_end"),
    ],
)
@pytest.mark.parametrize("effective_at", [5_001, 12_000, 40_000])
@pytest.mark.parametrize("at", [5_500, 12_000, 50_000, 3 * MINUTE])
def test_clocks_stop_at_the_instant_of_a_scheduled_pause_before_it_is_noticed(
    session: Session, effective_at: int, at: int
) -> None:
    command = c.Schedule(c.Pause(), Instant(effective_at))
    stopping = play(session).start().do(command, 5_000).session
    line, expected = drawn(stopping, 5_000, at), drawn(settled(stopping, Instant(at)), at, at)
    if expected["clock"] is None:  # in `individual` no clock is the running one during a pause
        del line["clock"], expected["clock"]
    assert line == expected


@pytest.mark.parametrize("ends_at", [None, 3 * MINUTE, HOUR])
@pytest.mark.parametrize("at", [20_000, 40_000, 90_000])
def test_clocks_run_from_the_instant_of_a_scheduled_resumption_on(
    ends_at: int | None, at: int
) -> None:
    paused = play(exam(10 * MINUTE, 5 * MINUTE, ends_at=ends_at)).start().pause(at=10_000)
    resuming = paused.do(c.Schedule(c.Resume(), Instant(40_000)), 15_000).session
    line, expected = drawn(resuming, 15_000, at), drawn(settled(resuming, Instant(at)), at, at)
    assert line == expected


def test_a_scheduled_start_is_drawn_like_a_planned_one() -> None:
    planned, waiting = chess(HOUR, start_at=40_000), play(chess(HOUR))
    waiting = waiting.do(c.Schedule(c.Start(), Instant(40_000)), 500)
    for at in (600, 40_000, 70_000):
        assert drawn(waiting.session, 500, at) == drawn(planned, 500, at)


def test_a_state_shows_its_scheduled_command() -> None:
    running = play(chess(HOUR)).start()
    pausing = running.do(c.Schedule(c.Pause(), Instant(6_000)), 1_000).session
    view = msgspec.to_builtins(session_view(pausing, Instant(1_000)))
    assert view["scheduled"] == {"operation": "pause", "effective_at": "1970-01-01T00:00:06.000Z"}
    assert view["clock"] == {"left_ms": HOUR - 1_000, "rate": -1, "stop_ms": 5_000}
    giving = c.AdjustClocks(
        c.ClockTarget(participants=(ANNA,)), add_ms=Millis(9_000), reason="light"
    )
    adjusting = running.do(c.Schedule(giving, Instant(6_000)), 1_000).session
    view = msgspec.to_builtins(session_view(adjusting, Instant(1_000)))
    assert view["scheduled"] == {
        "operation": "adjust",
        "effective_at": "1970-01-01T00:00:06.000Z",
        "add_ms": 9_000,
        "to": {"participants": [ANNA]},
        "reason": "light",
    }
    assert "stop_ms" not in view["clock"]
    assert "scheduled" not in msgspec.to_builtins(session_view(running.session, Instant(1_000)))


def test_a_state_shows_its_instants_and_extensions() -> None:
    rule = SoftClose(Millis(10_000), to_ms=Millis(30_000), at_most=3, not_after=Instant(2 * HOUR))
    session = exam(start_at=MINUTE, ends_at=HOUR, extend_on_switch=rule)
    bid = play(session).until(MINUTE).switch(at=HOUR - 5_000).session
    view = msgspec.to_builtins(session_view(bid, Instant(HOUR - 5_000)))
    assert view["start_at"] == "1970-01-01T00:01:00.000Z"
    assert view["ends_at"] == view["deadline_at"] == "1970-01-01T01:00:25.000Z"
    assert view["extensions"] == {"used": 1, "left": 2}
    assert view["extend_on_switch"] == {
        "window_ms": 10_000,
        "to_ms": 30_000,
        "at_most": 3,
        "not_after": "1970-01-01T02:00:00.000Z",
    }
    plain = msgspec.to_builtins(session_view(exam(HOUR), Instant(0)))
    assert not plain.keys() & {"start_at", "ends_at", "moves_with_pause", "extensions"}

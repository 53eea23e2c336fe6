"""Properties of every time control, for random controls and random turns."""

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.domain import commands as c
from shared.domain.clocks import clocks_of
from shared.domain.errors import Refusal, RuleViolation
from shared.domain.events import SessionChange
from shared.domain.session import Session, SyncMode
from shared.domain.settlement import settle
from shared.domain.time_budget import Clock
from shared.domain.time_control import Overtime, Stage, TimeControl
from shared.domain.timekeeping import at_time, deadline
from shared.domain.units import Instant, Millis
from tests.fuzz.extent import extent
from tests.unit.domain.scenarios import ANNA, BEN, BLUE, CLEO, RED, Play, open_session, play, seat
from tests.unit.domain.ticking import TICK_MS, TickingClock


def seconds(least: int, most: int) -> st.SearchStrategy[Millis]:
    return st.integers(least, most).map(lambda n: Millis(n * TICK_MS))


overtimes = st.one_of(
    st.builds(Overtime, period_ms=seconds(1, 8), periods=st.integers(1, 4)),
    st.builds(Overtime, period_ms=seconds(1, 12), turns=st.integers(2, 4)),
    st.builds(Overtime, extra_ms=seconds(1, 12)),
)


@st.composite
def controls(draw: st.DrawFn) -> TimeControl:
    """Valid controls whose times are whole seconds; few of them have all features."""
    gain = draw(st.sampled_from(("none", "delay_ms", "give_back_ms", "increment_ms")))
    gains: dict[str, Any] = {} if gain == "none" else {gain: draw(seconds(0, 6))}
    may_increment = gain in ("none", "increment_ms")
    increments = st.none() | seconds(0, 5) if may_increment else st.none()
    after = sorted(draw(st.sets(st.integers(1, 6), max_size=2)))
    return TimeControl(
        **gains,
        max_bank_ms=draw(st.none() | seconds(5, 25)),
        overtime=draw(st.none() | overtimes),
        stages=tuple(Stage(n, draw(seconds(0, 20)), draw(increments)) for n in after),
    )


@dataclass(frozen=True, slots=True)
class History:
    """A session of two owners and the durations of its turns; True: the turn has a pause."""

    session: Session
    turns: list[tuple[Millis, bool]]


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Histories in both modes, with the same control or different ones for the two owners."""
    mode = draw(st.sampled_from((SyncMode.PER_PARTICIPANT, SyncMode.PER_GROUP)))
    groups = (RED, BLUE) if mode is SyncMode.PER_GROUP else (None, None)
    control = draw(controls())
    try:
        session = open_session(
            mode,
            *(
                seat(name, draw(seconds(1, 20)), group=group)
                for name, group in zip((ANNA, BEN), groups, strict=True)
            ),
            time_control=control,
            warn_at_ms=draw(st.lists(seconds(1, 10), max_size=2).map(tuple)),
        )
    except RuleViolation:  # a delay beside an increment of a stage
        return draw(histories())
    turns = draw(st.lists(st.tuples(seconds(0, 30), st.booleans()), max_size=12))
    return History(session, turns)


def owners(session: Session) -> tuple[Any, ...]:
    return session.groups or session.participants


def play_turn(position: Play, began: int, spent: int, *, paused: bool) -> tuple[Play, int]:
    """Play one turn, perhaps with a pause in its middle; return also the instant of the switch."""
    ends = began + spent
    if paused and position.until(began + spent // 2).session.status == "running":
        middle = began + spent // 2
        position = position.pause(at=middle).resume(at=middle + 7_777)
        ends += 7_777
    position = position.until(ends)
    return (position.switch(at=ends), ends) if position.status == "running" else (position, ends)


@given(histories())
def test_the_domain_calculates_what_a_ticking_timer_counts(history: History) -> None:
    session = history.session
    ticking = [TickingClock(session.control, owner.bank_ms) for owner in owners(session)]
    position, now = play(session).start(), 0
    for spent, paused in history.turns:
        active = next(
            n
            for n, participant in enumerate(position.session.participants)
            if participant.participant_id == position.active
        )
        ticking[active].begin_turn()
        for _ in range(spent // TICK_MS):
            ticking[active].tick()
        position, now = play_turn(position, now, spent, paused=paused)
        if position.status != "running":
            assert all(clock.has_expired for clock in ticking)
            return
        ticking[active].end_turn()
        for clock, owner in zip(ticking, owners(position.session), strict=True):
            reserve = owner.reserve
            assert (owner.bank_ms, reserve.period_ms, reserve.periods, reserve.block_turns) == (
                clock.bank,
                clock.period,
                clock.periods,
                clock.block_turns,
            )
            assert reserve.delay_ms in (0, session.control.delay_ms)


@given(histories(), st.data())
def test_settling_in_steps_equals_settling_at_once(history: History, data: st.DataObject) -> None:
    position, now = play(history.session).start(), 0
    for spent, paused in history.turns:
        if position.status != "running":
            return
        end = now + spent + data.draw(st.integers(0, 60_000))
        at_once = list(settle(position.session, Instant(end)))
        stops = sorted(data.draw(st.lists(st.integers(now, end), max_size=4)))
        session, in_steps = position.session, []
        for stop in (*stops, end):
            found = list(settle(session, Instant(stop)))
            session = found[-1].session if found else session
            in_steps += found
        assert in_steps == at_once
        position, now = play_turn(position, now, spent, paused=paused)


@given(histories())
def test_nothing_is_negative_and_each_change_is_one_version(history: History) -> None:
    position, now = play(history.session).start(), 0
    for spent, paused in history.turns:
        if position.status != "running":
            break
        position, now = play_turn(position, now, spent, paused=paused)
    version = 1
    for step in position.steps:
        version += isinstance(step, SessionChange)
        assert step.session.version == version
        for owner in owners(step.session):
            assert owner.bank_ms >= 0
            assert min(owner.reserve.delay_ms, owner.reserve.period_ms) >= 0
            assert min(owner.reserve.periods, owner.reserve.block_turns) >= 0


@given(st.lists(seconds(0, 30), max_size=12), seconds(1, 10))
def test_delay_and_give_back_agree_at_the_end_of_every_turn(
    turns: list[Millis], free: Millis
) -> None:
    """The manual of the DGT 3000 says so. A bank that can't run out keeps the flags apart."""
    positions = []
    for control in (TimeControl(delay_ms=free), TimeControl(give_back_ms=free)):
        seats = (seat(ANNA, 600_000), seat(BEN, 600_000))
        session = open_session(SyncMode.PER_PARTICIPANT, *seats, time_control=control)
        positions.append(play(session).start())
    now = 0
    for spent in turns:
        now += spent
        positions = [position.switch(at=now) for position in positions]
        banks = [[p.bank_ms for p in position.session.participants] for position in positions]
        assert banks[0] == banks[1]


def shown(clock: Clock, elapsed: int) -> int:
    """The value that a client shows `elapsed` ms after the state, as the page defines it."""
    value = clock.left_ms + clock.rate * max(0, elapsed - clock.hold_ms)
    for phase in clock.phases:
        for _ in range(phase.count):
            if value > 0:
                break
            value += phase.ms
    most = value if clock.ceiling_ms is None else clock.ceiling_ms
    return max(clock.floor_ms, min(value, most))


@given(histories(), st.data())
def test_the_clock_on_the_wire_equals_the_domain_at_every_instant(
    history: History, data: st.DataObject
) -> None:
    """Until the flag falls, a client that heard nothing since shows what the domain would."""
    position, now = play(history.session).start(), 0
    for spent, paused in history.turns:
        if position.status != "running":
            return
        sent_at = now + data.draw(st.integers(0, 20_000))
        state = position.until(sent_at).session
        sent = clocks_of(state).drawn(at_time(state, Instant(sent_at))).participants
        falls_at = deadline(state)
        if state.status == "running" and falls_at is not None:
            then = data.draw(st.integers(sent_at, max(sent_at, falls_at - 1)))
            later = at_time(state, Instant(then))
            for clock, now_shown in zip(
                sent, clocks_of(later).drawn(later).participants, strict=True
            ):
                assert clock is not None
                assert now_shown is not None
                assert shown(clock, then - sent_at) == now_shown.left_ms
        position, now = play_turn(position, now, spent, paused=paused)


_NAMES = st.sampled_from((ANNA, BEN, CLEO))
_OPERATIONS = st.one_of(
    st.builds(c.Switch, st.none() | _NAMES),
    st.sampled_from((c.Pause(), c.Resume(), c.AdjustClocks(set_ms=Millis(0)))),
    st.builds(c.AdjustTime, _NAMES, st.just(0), overtime_periods=st.none() | st.integers(0, 1)),
    st.builds(c.AdjustTime, _NAMES, overtime_periods=st.integers(0, 1)),
    st.builds(c.AdjustClocks, add_ms=seconds(-3, 3)),
    st.builds(c.UpdateParticipant, _NAMES, is_retired=st.booleans()),
    st.builds(c.RemoveParticipant, _NAMES),
    st.builds(c.Forfeit, _NAMES),
)


@extent(400, 20_000)
@given(
    overtimes,
    st.sampled_from((SyncMode.PER_PARTICIPANT, SyncMode.PER_GROUP)),
    st.lists(st.tuples(st.integers(0, 5_000), _OPERATIONS), max_size=14),
)
def test_a_clock_without_time_has_lost_its_flag_and_somebody_can_take_the_next_turn(
    overtime: Overtime, mode: SyncMode, operations: list[tuple[int, c.Command]]
) -> None:
    control = TimeControl(overtime=overtime, delay_ms=Millis(1_000))
    seats = (seat(ANNA, 5_000), seat(BEN, 5_000), seat(CLEO, 5_000))
    position, now = play(open_session(mode, *seats, time_control=control)).start(), 0
    for wait, operation in operations:
        now += wait
        try:
            position = position.do(operation, now)
        except Refusal:
            position = position.until(now)
        session, fallen = position.session, {expiry.side for expiry in position.expiries}
        if session.status.is_terminal:
            return
        clocks, people = clocks_of(session), session.participants
        assert {clocks.side(p) for p in people if not clocks.time_left_of(session, p)} <= fallen
        assert any(clocks.is_eligible(session, p) for p in people)

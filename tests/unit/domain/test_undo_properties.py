"""An undo equals the same play without the undone switch, for random sessions and corrections."""

from dataclasses import dataclass

from hypothesis import assume, given
from hypothesis import strategies as st

from shared.domain.clocks import clocks_of
from shared.domain.errors import Refusal, RuleViolation, UndoBlocked
from shared.domain.session import Session, Status, SyncMode
from shared.domain.soft_close import SoftClose
from shared.domain.time_control import StartOn, TimeControl
from shared.domain.timekeeping import at_time, deadline
from shared.domain.units import Instant, Millis
from shared.domain.values import replace
from tests.fuzz.extent import extent
from tests.unit.domain.scenarios import (
    ANNA,
    BEN,
    BLUE,
    CLEO,
    NAMES,
    RED,
    Play,
    agenda,
    chess,
    exam,
    item,
    on_timeout,
    open_session,
    play,
    poker,
    race,
    seat,
)
from tests.unit.domain.test_time_control_properties import controls

spans = st.integers(0, 12_000)
banks = st.integers(1_000, 20_000)
actions = st.sampled_from(("notify", "notify", "skip_cycle", "end_session")).map(on_timeout)
waiting = st.builds(
    TimeControl,
    start_on=st.just(StartOn.FIRST_TURN),
    first_turn_within_ms=st.none() | banks.map(Millis),
)
soft_closes = st.none() | st.builds(SoftClose, banks.map(Millis), to_ms=banks.map(Millis))


@st.composite
def timed_games(draw: st.DrawFn) -> Session:
    """Games of two sides with any time control, also an hourglass."""
    control = draw(st.none() | controls() | waiting | st.just(TimeControl(hourglass=True)))
    is_pooled = draw(st.booleans())
    groups = (RED, BLUE, RED) if is_pooled else (None, None)
    seats = [seat(name, draw(banks), group=g) for name, g in zip(NAMES, groups, strict=False)]
    mode = SyncMode.PER_GROUP if is_pooled else SyncMode.PER_PARTICIPANT
    try:
        return open_session(mode, *seats, time_control=control, action_on_timeout=draw(actions))
    except RuleViolation:  # a delay beside an increment of a stage
        return draw(timed_games())


@st.composite
def shared_clocks(draw: st.DrawFn) -> Session:
    """Sessions in the other modes, also with `ends_at`, a soft close, a programme or overruns."""
    kind = draw(st.sampled_from(("poker", "exam", "auction", "race", "agenda", "overrun")))
    action, bank = draw(actions), draw(banks)
    match kind:
        case "poker":
            return poker(bank, extend_on_switch=draw(soft_closes), action_on_timeout=action)
        case "exam":
            total = draw(st.none() | st.just(3 * bank))
            cycle = draw(banks) if total is None else draw(st.none() | banks)
            return exam(total, cycle, draw(st.integers(0, 3)), action_on_timeout=action)
        case "auction":
            return exam(
                draw(st.none() | banks.map(lambda ms: 2 * ms)),
                players=2,
                ends_at=Instant(2 * bank),
                moves_with_pause=draw(st.booleans()),
                extend_on_switch=draw(soft_closes),
            )
        case "race":
            return race(draw(st.none() | st.just(2 * bank)))
        case "agenda":
            ends = st.sampled_from(("next", "wait"))
            items = [item(name, draw(banks), draw(ends)) for name in "abc"]
            return agenda(*items, repeat=2, overtime=draw(st.booleans()))
    return chess(bank, draw(banks), overtime=True)


@dataclass(frozen=True, slots=True)
class Correction:
    """What happens `gap` ms later: a pause of `paused_ms`, or `given_ms` for one or for all."""

    gap: int
    paused_ms: int | None
    given_ms: int
    to: str | None

    def apply(self, position: Play, now: int) -> tuple[Play, int]:
        """Return the position after the correction, and the instant at which it is over."""
        at = now + self.gap
        if self.paused_ms is not None:
            ends = at + self.paused_ms
            return position.pause(at=at).resume(at=ends), ends
        whom = () if self.to is None else (self.to,)
        return position.give(*whom, add=self.given_ms, at=at), at


pauses = st.builds(Correction, spans, spans, st.just(0), st.none())
gifts = st.builds(
    Correction,
    spans,
    st.none(),
    st.sampled_from((-400, 1, 5_000, 30_000)),
    st.sampled_from((None, ANNA, BEN, CLEO)),
)
turns = st.lists(st.tuples(spans, st.none() | st.sampled_from((ANNA, BEN))), max_size=5)


def played(session: Session, history: list[tuple[int, str | None]]) -> tuple[Play, int]:
    """The session after turns of these durations, which end with switches to these players."""
    position, now = play(session).start(), 0
    for spent, to in history:
        now += spent
        try:
            position = position.switch(to, at=now)
        except Refusal:
            position = position.until(now)
    assume(position.status is Status.RUNNING)
    return position, now


def comparable(position: Play, at: int) -> Session:
    """The session at `at`, without what an undo changes."""
    session = position.session
    if not session.status.is_terminal:
        session = at_time(session, Instant(at))
    return replace(
        session,
        version=0,
        updated_at=Instant(0),
        cycle_started_at=session.cycle_started_at and Instant(0),
        switches=(),
        warned=None,
        is_corrected=False,
        is_adjusted=False,
    )


def switched(position: Play, to: str | None, *, at: int) -> Play:
    """The position after a switch, which must be possible and must not end the session."""
    assume(position.status is Status.RUNNING)
    try:
        after = position.switch(to, at=at)
    except Refusal:
        assume(False)
    assume(after.status is Status.RUNNING)
    return after


def has_expired_since(position: Play, at: int) -> bool:
    return any(instant >= at for instant, _ in position.expired_at)


examples = extent(short=150, full=2_000)
games = timed_games() | shared_clocks()
receivers = st.none() | st.sampled_from((ANNA, BEN))


@examples
@given(games, turns, spans, receivers, spans)
def test_as_if_never_equals_the_play_without_the_switch(
    session: Session, history: list[tuple[int, str | None]], spent: int, to: str | None, later: int
) -> None:
    """Also if the clock of the other one stood at zero in the meantime."""
    position, now = played(session, history)
    at = now + spent
    before, end = position.until(at), now + spent + later
    after = switched(before, to, at=at).until(end)
    assume(after.session.cycle_number == before.session.cycle_number + 1)
    assume(after.status is Status.RUNNING)
    never = before.until(end)
    try:
        undone = after.undo("as_if_never", at=end).until(end)
    except UndoBlocked:  # by a pause in `history`, which has none, or by `ends_at`
        assert never.status is Status.EXPIRED
        return
    assert comparable(undone, end) == comparable(never, end)
    assert deadline(undone.session) == deadline(never.session)
    new_flags = undone.expired_at[len(after.expired_at) :]
    assert new_flags == never.expired_at[len(before.expired_at) :]


@examples
@given(games, turns, spans, st.tuples(receivers, receivers), spans)
def test_before_switch_equals_the_version_before_and_turn_start_that_of_the_turn(
    session: Session,
    history: list[tuple[int, str | None]],
    spent: int,
    to: tuple[str | None, str | None],
    later: int,
) -> None:
    position, now = played(session, history)
    at = now + spent
    begun = switched(position, to[0], at=now)
    before, end = begun.until(at), at + later
    assume(before.session.cycle_number == begun.session.cycle_number)
    after = switched(before, to[1], at=at).until(end)
    assume(after.session.cycle_number == before.session.cycle_number + 1)
    assume(after.status is Status.RUNNING and session.ends_at is None)
    restored = after.undo("before_switch", at=end)
    assert comparable(restored, end) == comparable(before, at)
    if not has_expired_since(before, now):
        assert comparable(after.undo("turn_start", at=end), end) == comparable(begun, now)


@examples
@given(games, turns, spans, receivers, st.lists(pauses | gifts, min_size=1, max_size=3), spans)
def test_as_if_never_equals_the_same_corrections_without_the_switch(
    session: Session,
    history: list[tuple[int, str | None]],
    spent: int,
    to: str | None,
    corrections: list[Correction],
    later: int,
) -> None:
    """Each clock shows the same.

    Left out is time given to a clock that stood at zero, and to one that switches carry over.
    """
    position, now = played(session, history)
    at = now + spent
    before = position.until(at)
    after, never, now = switched(before, to, at=at), before, at
    try:
        for correction in corrections:
            never = correction.apply(never, now)[0]
            after, now = correction.apply(after, now)
    except Refusal:
        assume(False)
    end = now + later
    after, never = after.until(end), never.until(end)
    assume(after.session.cycle_number == before.session.cycle_number + 1)
    assume(after.status is Status.RUNNING)
    has_gift = any(correction.paused_ms is None for correction in corrections)
    shown = at_time(before.session, Instant(at))
    clocks = (shown.session_left_ms, shown.cycle_left_ms, *clocks_of(shown).values_of(shown))
    has_zero = any(value is not None and value <= 0 for value in clocks)
    is_carried = session.sync_mode is SyncMode.PER_CYCLE and session.extend_on_switch is not None
    is_late = has_expired_since(never, at) or has_expired_since(after, at)
    assume(not (has_gift and (has_zero or is_late or is_carried)))
    try:
        undone = after.undo("as_if_never", at=end).until(end)
    except UndoBlocked:
        assert is_late or never.status.is_terminal
        return
    expected, found = comparable(never, end), comparable(undone, end)
    rules = clocks_of(found)
    assert rules.values_of(found) == rules.values_of(expected)
    assert (found.session_left_ms, found.cycle_left_ms) == (
        expected.session_left_ms,
        expected.cycle_left_ms,
    )
    assert [p.used_ms for p in found.participants] == [p.used_ms for p in expected.participants]
    assert (found.status, found.used_ms, deadline(undone.session)) == (
        expected.status,
        expected.used_ms,
        deadline(never.session),
    )
    if not has_gift:
        assert found == expected


@examples
@given(games, turns, spans)
def test_undoing_all_switches_as_if_never_leaves_the_first_turn(
    session: Session, history: list[tuple[int, str | None]], later: int
) -> None:
    position, now = played(session, history)
    end = now + later
    position = position.until(end)
    assume(position.status is Status.RUNNING and 0 < len(position.session.switches) < 8)
    first = play(session).start().until(end)
    assume(first.status is Status.RUNNING and not first.expired_at)
    while position.session.switches:
        number = position.session.cycle_number
        position = position.undo("as_if_never", at=end).until(end)
        is_earlier = position.session.cycle_number == number - 1
        assume(is_earlier and position.status is Status.RUNNING)  # no flag fell that changes this
    assert comparable(position, end) == comparable(first, end)

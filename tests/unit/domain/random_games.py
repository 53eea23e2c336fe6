"""Random sessions and commands at random instants, as Hypothesis strategies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle

from hypothesis import strategies as st

from shared.domain import commands as c
from shared.domain import values
from shared.domain.clocks import ClockScope
from shared.domain.creation import create
from shared.domain.errors import Refusal
from shared.domain.events import SessionChange, SessionStep
from shared.domain.lag import Lag
from shared.domain.programme import Item, ItemKind, OnEnd, Programme
from shared.domain.session import Session, SyncMode, TimeoutAction, TimeoutKind
from shared.domain.settlement import settle
from shared.domain.soft_close import SoftClose
from shared.domain.timekeeping import deadline
from shared.domain.transition import transition
from shared.domain.undo import UndoMode
from shared.domain.units import Instant, Millis
from tests.unit.domain.scenarios import MODES_WITH_TURNS

SEATS = ("p0", "P0", "a/b", "ü%2F?", "😀" * 64)
NEWCOMERS = ("p5", "red", "__proto__")
GROUPS = ("red", "a/b", "gr ün")

spans = st.integers(1_000, 12_000).map(Millis)
names = st.sampled_from(SEATS + NEWCOMERS)
group_names = st.none() | st.sampled_from(GROUPS)
thresholds = st.lists(st.integers(0, 9_000).map(Millis), max_size=3).map(tuple)
actions = st.builds(
    TimeoutAction,
    st.sampled_from(TimeoutKind),
    st.none() | st.just({"winner_by": "time"}) | st.just({"penalty": -2, "note": ["ä", None]}),
)


@dataclass(frozen=True, slots=True)
class TimedCommand:
    """A command, `gap` ms after the previous one or, with `aim`, `aim` ms after the deadline."""

    gap: int
    aim: int | None
    command: c.Command


@dataclass(frozen=True, slots=True)
class RandomSession:
    """A session to create, and the commands to issue.

    `claims` are for its switches in turn: the lag, the error of the client's clock and the frame
    lag, ms.
    """

    opening: c.Create
    created_at: Instant
    moves: list[TimedCommand]
    claims: tuple[tuple[int, Millis, Millis | None] | None, ...] = ()


@dataclass(frozen=True, slots=True)
class CommandRun:
    """One command: the session before it, the steps due before it, and its result."""

    before: Session
    now: Instant
    due: tuple[SessionStep, ...]
    command: c.Command
    result: SessionChange | Refusal

    @property
    def settled(self) -> Session:
        """The session that the command was applied to."""
        return self.due[-1].session if self.due else self.before

    @property
    def after(self) -> Session:
        return self.result.session if isinstance(self.result, SessionChange) else self.settled

    @property
    def steps(self) -> tuple[SessionStep, ...]:
        return (*self.due, self.result) if isinstance(self.result, SessionChange) else self.due


@st.composite
def openings(draw: st.DrawFn, modes: Sequence[SyncMode] = MODES_WITH_TURNS) -> c.Create:
    mode = draw(st.sampled_from(modes))
    grouped = mode is SyncMode.PER_GROUP
    shared = mode in (SyncMode.GLOBAL, SyncMode.COUNT_UP)
    cycle = draw(st.none() | spans) if mode in (SyncMode.PER_CYCLE, SyncMode.GLOBAL) else None
    timed = not shared and (cycle is None or draw(st.booleans()))
    players = draw(st.integers(0 if shared else 1, len(SEATS)))
    places = draw(st.permutations(range(players)))
    seats = tuple(
        c.NewParticipant(
            participant_id=name,
            participant_index=2 * place,
            total_time_ms=draw(spans) if timed else None,
            group_id=draw(group_names) if grouped else None,
        )
        for name, place in zip(SEATS, places, strict=False)
    )
    inhabited = sorted({seat.group_id for seat in seats if seat.group_id})
    pools = draw(st.lists(st.sampled_from(inhabited), unique=True)) if inhabited else []
    whole = mode is SyncMode.GLOBAL and (cycle is None or draw(st.booleans()))
    return c.Create(
        session_id="session",
        sync_mode=mode,
        participants=seats,
        groups=tuple(c.NewGroup(group, draw(spans)) for group in pools),
        total_time_ms=Millis(draw(st.integers(1_000, 40_000))) if whole else None,
        time_per_cycle_ms=cycle,
        increment_ms=Millis(draw(st.sampled_from((0, 1, 700, 3_000)))),
        max_time_ms=draw(st.none() | spans) if mode is SyncMode.COUNT_UP else None,
        active_participant_id=draw(st.none() | st.sampled_from(SEATS[:players]))
        if players
        else None,
        auto_advance=draw(st.booleans()),
        action_on_timeout=draw(actions),
        warn_at_ms=draw(thresholds),
        metadata=draw(st.none() | st.just({"table": 7, "tags": ["a"]})),
    )


switches = st.builds(c.Switch, st.none() | names, st.none() | names)
newcomers = st.builds(
    c.NewParticipant,
    names,
    st.none() | st.integers(0, 12),
    st.none() | spans,
    group_names,
)
additions = st.sampled_from((-7_000, -900, 1, 5_000, 400_000)).map(Millis)
targets = st.one_of(
    st.sampled_from(ClockScope).map(c.ClockTarget),
    st.builds(c.ClockTarget, participants=st.lists(names, min_size=1, max_size=2).map(tuple)),
    st.builds(c.ClockTarget, groups=st.lists(st.sampled_from(GROUPS), min_size=1).map(tuple)),
)
adjustments = st.builds(c.AdjustClocks, targets, add_ms=additions) | st.builds(
    c.AdjustClocks, targets, set_ms=spans
)
commands: st.SearchStrategy[c.Command] = st.one_of(
    st.just(c.Switch()),
    switches,
    st.sampled_from((c.Switch(), c.Switch(), c.Pause(), c.Resume())),
    st.sampled_from((c.Pause(), c.Resume(), c.Resume())),
    st.builds(c.AdjustTime, names, spans),
    st.builds(c.AddParticipant, newcomers),
    adjustments,
    st.builds(c.RemoveParticipant, names) | st.builds(c.Forfeit, names),
    st.builds(c.UpdateParticipant, names, is_retired=st.booleans())
    | st.builds(c.UpdateSession, active_participant_id=names),
    st.sampled_from((c.Switch(), c.Start(), c.Complete(), c.Cancel(), c.Delete())),
)
aims = st.none() | st.sampled_from((-1, 0, 1, 200))
starts = st.builds(TimedCommand, st.integers(0, 100), st.none(), st.just(c.Start()))


def random_sessions(
    *, gaps: st.SearchStrategy[int] | None = None
) -> st.SearchStrategy[RandomSession]:
    """Sessions with up to 15 commands, most of them started; `gaps`: ms between commands."""
    gaps = gaps if gaps is not None else st.integers(0, 4_000) | st.integers(0, 30_000)
    moves = st.lists(st.builds(TimedCommand, gaps, aims, commands), max_size=15)
    started = st.builds(lambda first, rest: [first, *rest], starts, moves)
    return st.builds(
        RandomSession,
        openings(),
        st.sampled_from((0, 1_760_000_000_123)).map(Instant),
        started | moves,
    )


@st.composite
def overrun_sessions(draw: st.DrawFn) -> RandomSession:
    """Sessions of every mode whose clocks count time below zero, and thresholds there."""
    opening = draw(openings())
    ceiling = opening.max_time_ms or Millis(9_000)
    counts_up = opening.sync_mode is SyncMode.COUNT_UP
    return replace(
        draw(random_sessions()),
        opening=values.replace(
            opening,
            overtime=True,
            auto_advance=False,
            action_on_timeout=TimeoutAction(),
            max_time_ms=ceiling if counts_up else None,
            warn_at_ms=draw(
                st.lists(st.integers(-9_000, 9_000).map(Millis), max_size=4).map(tuple)
            ),
        ),
    )


ITEM_IDS = ("opening", "talk", "a/b", "😀")
items = st.builds(
    Item,
    st.just(""),
    spans,
    kind=st.sampled_from(ItemKind),
    on_end=st.sampled_from(OnEnd),
)


@st.composite
def programmes(draw: st.DrawFn) -> Programme:
    """Up to four items, repeated up to three times."""
    drawn = draw(st.lists(items, min_size=1, max_size=len(ITEM_IDS)))
    named = [values.replace(one, item_id=name) for one, name in zip(drawn, ITEM_IDS, strict=False)]
    return Programme(tuple(named), draw(st.integers(1, 3)))


@st.composite
def programme_sessions(draw: st.DrawFn) -> RandomSession:
    """Sessions with a programme, with and without overruns, and commands for its items."""
    generated = draw(random_sessions())
    go = st.builds(TimedCommand, st.integers(0, 9_000), aims, go_commands)
    moves = [draw(st.just(move) | go) for move in generated.moves]
    overtime = draw(st.booleans())
    lowest = -9_000 if overtime else 0
    return replace(
        generated,
        opening=c.Create(
            session_id="session",
            sync_mode=SyncMode.GLOBAL,
            participants=tuple(map(c.NewParticipant, SEATS[: draw(st.integers(0, 3))])),
            warn_at_ms=draw(
                st.lists(st.integers(lowest, 9_000).map(Millis), max_size=3).map(tuple)
            ),
            programme=draw(programmes()),
            overtime=overtime,
        ),
        moves=moves,
    )


go_commands = st.sampled_from(ITEM_IDS).map(c.GoToItem)
claims = st.tuples(
    st.integers(-500, 12_000),
    st.integers(0, 600).map(Millis),
    st.none() | st.integers(0, 1_000).map(Millis),
)


@st.composite
def lagging_sessions(draw: st.DrawFn) -> RandomSession:
    """Sessions with lag compensation, and switches that claim lag or don't."""
    opening = draw(openings(modes=(SyncMode.PER_PARTICIPANT, SyncMode.PER_GROUP)))
    gain = draw(st.none() | st.integers(10, 1_000).map(Millis))
    generated = draw(random_sessions())
    return replace(
        generated,
        opening=values.replace(opening, lag=Lag(gain)),
        claims=tuple(draw(st.lists(st.none() | claims, min_size=1, max_size=6))),
    )


soft_closes = st.builds(
    lambda window, ms, adds, at_most: SoftClose(
        window, None if adds else ms, ms if adds else None, at_most
    ),
    spans,
    spans,
    st.booleans(),
    st.none() | st.integers(1, 3),
)
undos = st.builds(
    TimedCommand, st.integers(0, 9_000), aims, st.builds(c.Undo, st.sampled_from(UndoMode))
)


@st.composite
def scheduled_sessions(draw: st.DrawFn) -> RandomSession:
    """Sessions with instants at which they start and end, and with a soft close, or without."""
    generated, undone = draw(random_sessions()), draw(st.lists(undos, max_size=3))
    opening, now = generated.opening, generated.created_at
    start_at = draw(st.none() | spans.map(lambda ms: Instant(now + ms)))
    changes: dict[str, object] = {"start_at": start_at, "warn_before_start_ms": draw(thresholds)}
    if opening.sync_mode is SyncMode.GLOBAL and draw(st.booleans()):
        changes["ends_at"] = Instant((start_at or now) + draw(st.integers(1_000, 40_000)))
        changes["moves_with_pause"] = draw(st.booleans())
    if opening.sync_mode in (SyncMode.GLOBAL, SyncMode.PER_CYCLE):
        changes["extend_on_switch"] = draw(st.none() | soft_closes)
    moves = draw(st.permutations([*generated.moves, *undone]))
    return replace(generated, opening=values.replace(opening, **changes), moves=[*moves])


schedulable: st.SearchStrategy[c.SchedulableCommand] = st.one_of(
    st.just(c.Pause()), st.just(c.Resume()), st.just(c.Complete()), st.just(c.Start()), adjustments
)
schedules = st.builds(c.Schedule, schedulable, st.integers(-3_000, 60_000).map(Instant))
"""Commands ahead of time; `run_commands` adds the present instant to theirs."""


@st.composite
def ahead_sessions(draw: st.DrawFn) -> RandomSession:
    """Sessions with commands ahead of time, of which some are withdrawn."""
    generated = draw(scheduled_sessions() | lagging_sessions())
    ahead = st.builds(
        TimedCommand, st.integers(0, 9_000), aims, schedules | st.just(c.Unschedule())
    )
    given = draw(st.lists(ahead, min_size=1, max_size=4))
    return replace(generated, moves=[*draw(st.permutations([*generated.moves, *given]))])


def opened(generated: RandomSession) -> Session:
    return create(generated.opening, generated.created_at).session


def run_commands(generated: RandomSession) -> Iterator[CommandRun]:
    """Issue the commands in order; due steps are applied before each one."""
    session, now = opened(generated), generated.created_at
    for move, claim in zip(generated.moves, cycle(generated.claims or (None,)), strict=False):
        now = _instant_of(move, session, now)
        command = move.command
        if claim and isinstance(command, c.Switch):
            acted_at = now - claim[0]
            command = c.Switch(
                command.next_participant_id,
                command.current_participant_id,
                acted_at,
                claim[1],
                claim[2],
            )
        if isinstance(command, c.Schedule):
            effective_at = Instant(now + command.effective_at)
            command = values.replace(command, effective_at=effective_at)
        due = tuple(settle(session, now, command))
        settled = due[-1].session if due else session
        run = CommandRun(session, now, due, command, apply(settled, command, now))
        yield run
        session = run.after


def apply(session: Session, command: c.Command, now: Instant) -> SessionChange | Refusal:
    """The change or the refusal; any other exception is a bug."""
    try:
        return transition(session, command, now)
    except Refusal as refusal:
        return refusal


def _instant_of(move: TimedCommand, session: Session, now: Instant) -> Instant:
    deadline_at = deadline(session)
    if move.aim is None or deadline_at is None:
        return Instant(now + move.gap)
    return Instant(max(now, deadline_at + move.aim))

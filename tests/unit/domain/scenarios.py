"""Builders for scenario tests of the domain. Times are virtual, in ms."""

from dataclasses import dataclass
from typing import Any

from shared.application.session_view import SessionView, session_view
from shared.domain import commands as c
from shared.domain.clocks import clocks_of
from shared.domain.clocks.individual_times import deadlines
from shared.domain.creation import create
from shared.domain.errors import RuleViolation
from shared.domain.events import EventType, SessionChange, SessionStep, TimeWarning
from shared.domain.individual_clock import Allowance, IndividualClock, IndividualSettings
from shared.domain.programme import Item, OnEnd, Programme
from shared.domain.session import (
    Participant,
    Session,
    Status,
    SyncMode,
    TimeoutAction,
    TimeoutKind,
)
from shared.domain.settlement import settle
from shared.domain.timekeeping import at_time, deadline
from shared.domain.transition import transition
from shared.domain.undo import UndoMode
from shared.domain.units import Instant, Millis

ANNA, BEN, CLEO, DAN = NAMES = ("anna", "ben", "cleo", "dan")
RED, BLUE, GREEN = "red", "blue", "green"

MODES_WITH_TURNS = tuple(mode for mode in SyncMode if mode is not SyncMode.INDIVIDUAL)
"""The modes in which one participant is active."""

ACTIONS = tuple(kind.value for kind in TimeoutKind)
ADVANCING_ACTIONS = ("skip_cycle", "auto_action")
"""The timeout actions that begin the next cycle at the deadline."""


def seat(
    name: str, bank: int | None = None, *, index: int | None = None, group: str | None = None
) -> c.NewParticipant:
    """A participant to create or add."""
    return c.NewParticipant(name, index, None if bank is None else Millis(bank), group)


def create_command(mode: SyncMode, *seats: c.NewParticipant, **options: Any) -> c.Create:
    return c.Create("session", mode, seats, **options)


def open_session(mode: SyncMode, *seats: c.NewParticipant, **options: Any) -> Session:
    return create(create_command(mode, *seats, **options), Instant(0)).session


def chess(*banks: int, increment: int = 0, **options: Any) -> Session:
    """`per_participant`: Anna, Ben, ... with one bank each; a single value is for two players."""
    each = banks if len(banks) > 1 else banks * 2
    seats = map(seat, NAMES, each)
    return open_session(SyncMode.PER_PARTICIPANT, *seats, increment_ms=Millis(increment), **options)


def poker(cycle: int, players: int = 3, **options: Any) -> Session:
    """`per_cycle`: each player has `cycle` ms per turn."""
    seats = map(seat, NAMES[:players])
    return open_session(SyncMode.PER_CYCLE, *seats, time_per_cycle_ms=Millis(cycle), **options)


def teams(bank: int, *groups: str, **options: Any) -> Session:
    """`per_group`: Anna, Ben, ... add `bank` ms each to their group, named at the same position."""
    seats = [seat(name, bank, group=group) for name, group in zip(NAMES, groups, strict=False)]
    return open_session(SyncMode.PER_GROUP, *seats, **options)


def exam(
    total: int | None = None, cycle: int | None = None, players: int = 2, **options: Any
) -> Session:
    """`global`: one clock for the session, one per question, or both."""
    clocks = {"total_time_ms": total, "time_per_cycle_ms": cycle}
    return open_session(SyncMode.GLOBAL, *map(seat, NAMES[:players]), **clocks, **options)


def race(ceiling: int | None = None, players: int = 2, **options: Any) -> Session:
    """`count_up`: laps, up to the ceiling if there is one."""
    seats = map(seat, NAMES[:players])
    return open_session(SyncMode.COUNT_UP, *seats, max_time_ms=ceiling, **options)


def candidate(name: str, **allowance: Any) -> c.NewParticipant:
    """A participant of `individual`, with `extra_ms`, `factor_permille` and `closes_at`."""
    return c.NewParticipant(name, allowance=Allowance(**allowance))


def sitting(
    *seats: c.NewParticipant, total: int | None = None, at: int = 0, **options: Any
) -> Session:
    """`individual`: by default for Anna and Ben; options of the mode and of the creation."""
    own = set(IndividualSettings.__struct_fields__)
    settings = IndividualSettings(**{name: options.pop(name) for name in own & set(options)})
    command = create_command(
        SyncMode.INDIVIDUAL,
        *(seats or map(candidate, NAMES[:2])),
        total_time_ms=total,
        individual=settings,
        **options,
    )
    return create(command, Instant(at)).session


def item(item_id: str, duration: int, on_end: str = "next", **options: Any) -> Item:
    return Item(item_id, Millis(duration), on_end=OnEnd(on_end), **options)


def agenda(*items: Item, repeat: int = 1, players: int = 0, **options: Any) -> Session:
    """`global` with a programme, by default without participants."""
    programme = Programme(items, repeat)
    return open_session(
        SyncMode.GLOBAL, *map(seat, NAMES[:players]), programme=programme, **options
    )


def on_timeout(kind: str, **extra: Any) -> TimeoutAction:
    return TimeoutAction(TimeoutKind(kind), extra or None)


def deadline_of(session: Session, participant: Participant) -> Instant | None:
    """The deadline of a participant in `individual`."""
    return list(deadlines(session))[session.participants.index(participant)]


@dataclass(frozen=True, slots=True)
class Play:
    """A session and its steps so far. Each command returns a new `Play`."""

    session: Session
    steps: tuple[SessionStep, ...] = ()

    def until(self, at: int) -> "Play":
        """Let the time pass until `at`, without a command."""
        steps = tuple(settle(self.session, Instant(at)))
        return Play(steps[-1].session if steps else self.session, self.steps + steps)

    def do(self, command: c.Command, at: int) -> "Play":
        due = tuple(settle(self.session, Instant(at), command))
        settled = due[-1].session if due else self.session
        change = transition(settled, command, Instant(at))
        return Play(change.session, (*self.steps, *due, change))

    def start(self, at: int = 0) -> "Play":
        return self.do(c.Start(), at)

    def switch(self, to: str | None = None, *, at: int, current: str | None = None) -> "Play":
        return self.do(c.Switch(to, current), at)

    def go(self, item_id: str, *, at: int) -> "Play":
        return self.do(c.GoToItem(item_id), at)

    def undo(self, mode: str, *, at: int) -> "Play":
        return self.do(c.Undo(UndoMode(mode)), at)

    def shown(self, at: int) -> SessionView:
        """The Session of the API at `at`."""
        return session_view(self.until(at).session, Instant(at))

    def pause(self, at: int) -> "Play":
        return self.do(c.Pause(), at)

    def resume(self, at: int) -> "Play":
        return self.do(c.Resume(), at)

    def complete(self, at: int) -> "Play":
        return self.do(c.Complete(), at)

    def cancel(self, at: int) -> "Play":
        return self.do(c.Cancel(), at)

    def adjust(self, who: str, to: int, *, at: int) -> "Play":
        return self.do(c.AdjustTime(who, Millis(to)), at)

    def give(self, *who: str, add: int, at: int, **options: Any) -> "Play":
        """Add `add` ms to the clocks of `who`, or to all clocks."""
        to = c.ClockTarget(participants=who) if who else c.EVERY_CLOCK
        return self.do(c.AdjustClocks(to, add_ms=Millis(add), **options), at)

    def begin(self, *who: str, at: int) -> "Play":
        return self.do(c.BeginParticipants(who), at)

    def finish(self, who: str, *, at: int) -> "Play":
        return self.do(c.FinishParticipant(who), at)

    def reopen(self, who: str, *, at: int) -> "Play":
        return self.do(c.ReopenParticipant(who), at)

    def rest(self, who: str, *, at: int) -> "Play":
        """Pause one participant."""
        return self.do(c.PauseParticipant(who), at)

    def go_on(self, who: str, *, at: int) -> "Play":
        """Resume one participant."""
        return self.do(c.ResumeParticipant(who), at)

    def forfeit(self, who: str, *, at: int) -> "Play":
        return self.do(c.Forfeit(who), at)

    def own(self, who: str) -> IndividualClock:
        """The stored clock of `who` in `individual`."""
        participant = self.session.find(who)
        assert participant is not None
        assert participant.individual is not None
        return participant.individual

    def deadline_of(self, who: str) -> int | None:
        """The deadline of `who` in `individual`."""
        participant = self.session.find(who)
        assert participant is not None
        return deadline_of(self.session, participant)

    def join(self, newcomer: c.NewParticipant, *, at: int) -> "Play":
        return self.do(c.AddParticipant(newcomer), at)

    def clock(self, who: str, at: int) -> int | None:
        """Remaining time of the clock that applies to `who`, at `at`; `None` without a clock."""
        return clocks_of(self.session).time_left_of(*self._live(who, at))

    def used(self, who: str, at: int) -> int:
        return self._live(who, at)[1].used_ms

    def remaining(self, at: int) -> int | None:
        """Remaining time of the running clock at `at`; `None` without one."""
        session = at_time(self.until(at).session, Instant(at))
        return clocks_of(session).left(session)

    def turns(self, count: int, every: int) -> list[str | None]:
        """The active participants after the next `count` switches, `every` ms apart."""
        play, order = self, []
        anchor = self.session.cycle_started_at or 0
        for turn in range(1, count + 1):
            play = play.switch(at=anchor + turn * every)
            order.append(play.active)
        return order

    @property
    def active(self) -> str | None:
        return self.session.active_participant_id

    @property
    def status(self) -> Status:
        return self.session.status

    @property
    def deadline(self) -> int | None:
        return deadline(self.session)

    @property
    def last_change(self) -> SessionChange:
        change = self.steps[-1]
        assert isinstance(change, SessionChange)
        return change

    @property
    def expiries(self) -> list[SessionChange]:
        return [
            step
            for step in self.steps
            if isinstance(step, SessionChange) and step.type is EventType.TIME_EXPIRED
        ]

    @property
    def expired_at(self) -> list[tuple[int, str | None]]:
        """Instant and side of each flag fall: a participant, a group or (`None`) the session."""
        return [(e.occurred_at, e.side.participant_id or e.side.group_id) for e in self.expiries]

    @property
    def warned_at(self) -> list[tuple[int, int]]:
        """Instant and threshold of each warning."""
        return [(s.occurred_at, s.threshold_ms) for s in self.steps if isinstance(s, TimeWarning)]

    def _live(self, who: str, at: int) -> tuple[Session, Participant]:
        session = at_time(self.until(at).session, Instant(at))
        participant = session.find(who)
        assert participant is not None
        return session, participant


def play(session: Session) -> Play:
    return Play(session)


def fields_of(refusal: RuleViolation) -> list[tuple[str, str]]:
    """The dotted field and the code of every violation."""
    return [(violation.field, violation.code) for violation in refusal.violations]

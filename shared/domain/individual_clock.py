"""The clock of one participant in `individual`, by the rules of `docs/individual-clocks.md`.

Two kinds of time are used. *Session time* is the time that the session has run, without its
pauses: a pause of the session therefore stops every clock without a change of any. A closing time
is an instant, and no pause moves it. Sources of the rules: Moodle (overdue attempts), PrairieLearn
(time limits that are cut), racetime (an undone finish).
"""

from enum import StrEnum

from shared.domain.units import Instant, Millis, elapsed_between
from shared.domain.values import Value, replace

FULL_PERMILLE = 1_000
"""The factor of a participant who gets the session's time as it is."""


class Begins(StrEnum):
    """Who begins when the session starts: all `together`, or `each` by a request of its own."""

    __hash__ = str.__hash__  # faster than that of `Enum`, which is written in Python

    TOGETHER = "together"
    EACH = "each"


class RunState(StrEnum):
    """What a participant does. A finished or closed one is done."""

    __hash__ = str.__hash__  # faster than that of `Enum`, which is written in Python

    NOT_BEGUN = "not_begun"
    RUNNING = "running"
    PAUSED = "paused"
    OVERDUE = "overdue"
    FINISHED = "finished"
    CLOSED = "closed"

    @property
    def is_done(self) -> bool:
        """Whether the participant has finished, or may no longer finish."""
        return self is RunState.FINISHED or self is RunState.CLOSED

    @property
    def is_under_way(self) -> bool:
        """Whether the participant has begun and may finish."""
        return self in _UNDER_WAY


_UNDER_WAY = (RunState.RUNNING, RunState.PAUSED, RunState.OVERDUE)


class IndividualSettings(Value, frozen=True):
    """The settings of a session in `individual`.

    `closes_at` is for all who have no closing time of their own. `grace_ms` is how long after its
    deadline a participant may still finish. With `rounds` a participant who is done may begin
    again, and only a command ends the session. `given_ms` is the sum of the corrections of all
    clocks, for `session_clock`.
    """

    begins: Begins = Begins.TOGETHER
    closes_at: Instant | None = None
    grace_ms: Millis = Millis(0)
    rounds: bool = False
    given_ms: int = 0


class Allowance(Value, frozen=True):
    """How a participant's time differs from the session's."""

    extra_ms: Millis = Millis(0)
    factor_permille: int = FULL_PERMILLE
    closes_at: Instant | None = None

    def limit_ms(self, total_ms: Millis | None) -> Millis | None:
        """Return the participant's limit, ms, rounded down once; None if time counts up."""
        if total_ms is None:
            return None
        return Millis(total_ms * self.factor_permille // FULL_PERMILLE + self.extra_ms)


STANDARD = Allowance()


class IndividualClock(Value, frozen=True):
    """The clock of a participant, and what has become of its run.

    While it runs, `origin_ms` is the session time at which it began, later by its own pauses;
    otherwise `used_ms` is the time that it has used. `given_ms` is the sum of all corrections.
    `expired_at` is the deadline that has passed.
    """

    state: RunState = RunState.NOT_BEGUN
    allowance: Allowance = STANDARD
    given_ms: int = 0
    origin_ms: int = 0
    used_ms: Millis = Millis(0)
    begun_at: Instant | None = None
    finished_at: Instant | None = None
    expired_at: Instant | None = None

    @property
    def late_ms(self) -> Millis | None:
        """How long after its deadline the participant finished; None if it wasn't late."""
        if self.finished_at is None or self.expired_at is None:
            return None
        return elapsed_between(self.expired_at, self.finished_at)

    def used_at(self, session_ms: Millis) -> Millis:
        """Return the time used at that session time, ms."""
        if self.state is RunState.RUNNING:
            return Millis(session_ms - self.origin_ms)
        return self.used_ms

    def granted_ms(self, total_ms: Millis | None) -> Millis | None:
        """Return all time that the participant may use, corrections included; None without."""
        limit = self.allowance.limit_ms(total_ms)
        return None if limit is None else Millis(limit + self.given_ms)

    def begin(self, session_ms: Millis, at: Instant) -> "IndividualClock":
        """Begin. A new round has its full time, without the corrections of the round before."""
        given = self.given_ms if self.begun_at is None else 0
        return IndividualClock(RunState.RUNNING, self.allowance, given, session_ms, begun_at=at)

    def pause(self, session_ms: Millis) -> "IndividualClock":
        """Stop until `resume`."""
        return self._stopped(RunState.PAUSED, session_ms)

    def resume(self, session_ms: Millis) -> "IndividualClock":
        """Go on with the time that was left when the clock stopped."""
        return replace(
            self,
            state=RunState.RUNNING,
            origin_ms=session_ms - self.used_ms,
            finished_at=None,
            expired_at=None,
        )

    def expire(self, session_ms: Millis, at: Instant, grace_ms: Millis) -> "IndividualClock":
        """Reach the deadline at `at`. Only a participant who has begun may still finish then."""
        is_overdue = grace_ms > 0 and self.begun_at is not None
        state = RunState.OVERDUE if is_overdue else RunState.CLOSED
        return replace(self._stopped(state, session_ms), expired_at=at)

    def finish(self, session_ms: Millis, at: Instant) -> "IndividualClock":
        """Finish at `at`."""
        return replace(self._ended(RunState.FINISHED, session_ms), finished_at=at)

    def close(self, session_ms: Millis) -> "IndividualClock":
        """End without a finish."""
        return self._ended(RunState.CLOSED, session_ms)

    def reopen(self, session_ms: Millis) -> "IndividualClock":
        """Go on as if it had not ended.

        A finish that came in time is undone with the time since, which counts as used; after the
        deadline, the clock goes on with what it was given since.
        """
        if self.begun_at is None:
            return replace(self, state=RunState.NOT_BEGUN, expired_at=None)
        if self.expired_at is not None:
            return self.resume(session_ms)
        return replace(self, state=RunState.RUNNING, finished_at=None)

    def reopen_overdue(self) -> "IndividualClock":
        """Undo a finish that came after the deadline; the time of grace goes on."""
        return replace(self, state=RunState.OVERDUE, finished_at=None)

    def _stopped(self, state: RunState, session_ms: Millis) -> "IndividualClock":
        return replace(self, state=state, used_ms=self.used_at(session_ms))

    def _ended(self, state: RunState, session_ms: Millis) -> "IndividualClock":
        """End; the end of a pause, too, so that `reopen` goes on from here."""
        used = self.used_at(session_ms)
        was_paused = self.state is RunState.PAUSED
        origin = session_ms - used if was_paused else self.origin_ms
        return replace(self, state=state, used_ms=used, origin_ms=origin)

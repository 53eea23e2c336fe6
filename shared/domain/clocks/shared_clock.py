"""`global` and `count_up`: one clock for the session, whoever is active."""

from shared.domain.clocks.base import Clocks, Side
from shared.domain.errors import RuleViolation, Violation
from shared.domain.frozen import replace
from shared.domain.session import Participant, Session, TimeoutKind
from shared.domain.units import Millis


class Global(Clocks):
    """The session's clock runs on through every cycle; a cycle may have a clock as well.

    Either may be absent, not both (exams, quizzes, meetings).
    """

    def left(self, session: Session) -> Millis | None:
        """The clock that reaches zero first; a cycle clock at zero has had its turn."""
        shown = _shown(session)
        return min((ms for ms in shown if ms > 0), default=Millis(0))

    def left_of(self, session: Session, participant: Participant) -> Millis | None:
        return min(_shown(session), default=None)

    def draw(self, session: Session, spent: Millis) -> Session:
        return replace(
            session,
            session_left_ms=_less(session.session_left_ms, spent),
            cycle_left_ms=_less(session.cycle_left_ms, spent),
        )

    def open(self, session: Session) -> Session:
        session = replace(session, session_left_ms=session.total_time_ms)
        return self.begin_cycle(session, session.active_participant_id)

    def begin_cycle(self, session: Session, participant_id: str | None) -> Session:
        return replace(
            session,
            active_participant_id=participant_id,
            cycle_left_ms=session.time_per_cycle_ms,
        )

    def adjust(self, session: Session, participant: Participant, value: Millis) -> Session:
        """The nearest clock reads `value`; the session's is raised to it where it showed less."""
        session = session.with_participant(replace(participant, bank_ms=value))
        if session.cycle_left_ms is None:
            return replace(session, session_left_ms=value)
        whole = session.session_left_ms
        raised = None if whole is None else Millis(max(whole, value))
        return replace(session, cycle_left_ms=value, session_left_ms=raised)

    def runs_on_for(self, session: Session) -> Millis:
        """The session's clock runs on when that of a cycle is at zero, unless that ends it all."""
        ends_with_cycle = session.action_on_timeout.type is TimeoutKind.END_SESSION
        if session.session_left_ms is None or ends_with_cycle:
            return super().runs_on_for(session)
        return session.session_left_ms

    def cycle_lengths(self, session: Session) -> list[Millis]:
        return [session.time_per_cycle_ms] if session.time_per_cycle_ms else []

    def owner(self, session: Session) -> Side:
        if session.session_left_ms == self.left(session):
            return Side()
        return super().owner(session)

    def running(self, session: Session) -> list[tuple[Side, Millis]]:
        """Both, for each comes down to its own thresholds."""
        owned = ((Side(), session.session_left_ms), (super().owner(session), session.cycle_left_ms))
        return [(side, left) for side, left in owned if left]

    def is_exhausted(self, session: Session) -> bool:
        return session.session_left_ms == 0


class CountUp(Clocks):
    """Time is counted upward, to `max_time_ms` where there is one (speedruns, laps)."""

    def left(self, session: Session) -> Millis | None:
        return session.session_left_ms

    def left_of(self, session: Session, participant: Participant) -> Millis | None:
        return session.session_left_ms

    def draw(self, session: Session, spent: Millis) -> Session:
        return replace(session, session_left_ms=_less(session.session_left_ms, spent))

    def open(self, session: Session) -> Session:
        return replace(session, session_left_ms=session.max_time_ms)

    def adjust(self, session: Session, participant: Participant, value: Millis) -> Session:
        """What is left to the ceiling reads `value`. Raises `RuleViolation` without a ceiling."""
        if session.session_left_ms is None:
            message = "needs a clock that runs toward zero: this session has no max_time_ms"
            raise RuleViolation(Violation("total_time_ms", message, "not_allowed"))
        session = session.with_participant(replace(participant, bank_ms=value))
        return replace(session, session_left_ms=value)

    def owner(self, session: Session) -> Side:
        return Side()

    def is_exhausted(self, session: Session) -> bool:
        return session.session_left_ms == 0


def _shown(session: Session) -> list[Millis]:
    return [ms for ms in (session.session_left_ms, session.cycle_left_ms) if ms is not None]


def _less(clock: Millis | None, spent: Millis) -> Millis | None:
    return None if clock is None else Millis(max(0, clock - spent))

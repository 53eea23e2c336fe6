"""Lag compensation of a session: the switch counts from the instant at which the player acted.

A session has it if its `lag` is set. The lag that is given back doesn't count for the turn: the
clocks are drawn to `now` less the compensation, and the next turn begins at `now`.
"""

from shared.domain.clocks import clocks_of
from shared.domain.commands import Advance, Command, Switch
from shared.domain.lag import Lag, LagClaim, claimed_lag
from shared.domain.session import Group, Session
from shared.domain.timekeeping import deadline, move_anchor
from shared.domain.units import Instant, Millis, elapsed_between
from shared.domain.values import replace


def with_quotas(session: Session) -> Session:
    """Return the session with a quota for each owner of a clock that has none yet."""
    lag = session.lag
    if lag is None:
        return session
    for owner in session.groups or session.participants:
        owner_id = owner.group_id if isinstance(owner, Group) else owner.participant_id
        budget = session.budget_of(owner)
        lag = lag.with_owner(owner_id, budget.bank_ms, budget.control.increment_ms)
    return session if lag is session.lag else replace(session, lag=lag)


def end_turn(session: Session, lag: Lag, command: Switch, now: Instant) -> tuple[Session, LagClaim]:
    """Return the running session with its clocks as the switch at `now` leaves them, and the claim.

    `lag` is that of the session. A turn that takes no time, because the clocks wait for the first
    turn or the clock is at zero, gets nothing back and changes no quota.
    """
    claim = _claim(session, lag, command, now)
    moved = move_anchor(session, Instant(now - claim.compensated_ms))
    owner_id, active_id = clocks_of(session).owner(session).id, session.active_participant_id
    if deadline(session) is None or active_id is None:
        return moved, claim
    return replace(moved, lag=lag.after_turn(owner_id, active_id, claim)), claim


def leaves_flag_open(session: Session, lag: Lag, command: Command, now: Instant) -> bool:
    """Whether a flag whose deadline has passed still waits after `command` arrived at `now`.

    True for a switch whose turn took less than what was left, because it gets lag back. True also
    for a switch of a participant who isn't active, which is refused: otherwise the opponent could
    end the wait. An advance is no more than time that passes, so the flag falls in its course.
    """
    if not isinstance(command, Switch):
        return isinstance(command, Advance)
    if command.current_participant_id not in (None, session.active_participant_id):
        return True
    taken = _ran(session, now) - _claim(session, lag, command, now).compensated_ms
    return taken < (clocks_of(session).left(session) or 0)


def _claim(session: Session, lag: Lag, command: Switch, now: Instant) -> LagClaim:
    error_ms = None if command.acted_at_ms is None else command.error_ms
    claimed = claimed_lag(now, command.acted_at_ms, error_ms, _ran(session, now))
    quota = lag.quotas.get(clocks_of(session).owner(session).id)
    given_back = 0 if quota is None or deadline(session) is None else min(claimed, quota.quota_ms)
    return LagClaim(claimed, Millis(given_back), error_ms, command.frame_lag_ms)


def _ran(session: Session, now: Instant) -> Millis:
    """The running time since the anchor: what was counted before it is part of a version."""
    anchor = session.cycle_started_at
    return Millis(0) if anchor is None else elapsed_between(anchor, now)

"""Lag compensation: how much lag each owner of a clock gets back, and what each player claimed.

All times are in ms. The rules are those of scalachess (`LagTracker.scala`, `ClockConfig.scala`),
which counts in centiseconds. `docs/time-controls.md` explains them.
"""

from collections.abc import Mapping
from typing import Self

from shared.domain.units import Instant, Millis
from shared.domain.values import Value, replace

MAX_CLAIM = Millis(10_000)
"""The longest lag that one switch may claim."""

MAX_GRACE = Millis(2_000)
"""The longest time for which a flag waits for a switch that was sent in time."""

_MAX_GAIN = 1_000
_FIRST_QUOTA_IN_GAINS = 3
_MAX_QUOTA_IN_GAINS = 7
_SLACK_OVER_FRAME_LAG = 140
"""The gain may exceed the frame lag by this, ms: the time that a machine itself takes."""


class LagQuota(Value, frozen=True):
    """The lag that an owner of a clock may still get back, and what each of its turns adds."""

    gain_ms: Millis
    quota_ms: Millis

    @property
    def grace_ms(self) -> Millis:
        """How long after the deadline the owner's flag is settled."""
        return min(self.quota_ms, MAX_GRACE)

    def gain_within(self, frame_lag_ms: Millis | None) -> Millis:
        """Return what a turn adds, ms. `frame_lag_ms` is that of its player, None if unknown."""
        if frame_lag_ms is None:
            return self.gain_ms
        return Millis(min(self.gain_ms, frame_lag_ms + _SLACK_OVER_FRAME_LAG))

    def after_turn(self, compensated: Millis, frame_lag_ms: Millis | None) -> "LagQuota":
        """Return the quota after a turn that got `compensated` ms back, at most `quota_ms`.

        A frame lag lowers what is added, but not what the quota is or may reach.
        """
        raised = self.quota_ms + self.gain_within(frame_lag_ms) - compensated
        return replace(self, quota_ms=Millis(min(raised, _MAX_QUOTA_IN_GAINS * self.gain_ms)))


class LagTotals(Value, frozen=True):
    """The sums over a participant's turns, and what was sent with its switches.

    `worst_error_ms` is the largest error, `frame_lag_ms` the last frame lag; None if none was sent.
    """

    turns: int = 0
    claimed_ms: Millis = Millis(0)
    compensated_ms: Millis = Millis(0)
    worst_error_ms: Millis | None = None
    frame_lag_ms: Millis | None = None


class LagClaim(Value, frozen=True):
    """The claimed and the compensated lag of one switch, and the error and frame lag it had."""

    claimed_ms: Millis
    compensated_ms: Millis
    error_ms: Millis | None = None
    frame_lag_ms: Millis | None = None


class Lag(Value, frozen=True):
    """The lag compensation of a session.

    `gain_ms` is as given at creation; None: by the owner's time. `quotas` are by the id of the
    clock's owner, a participant or a group; `totals` are by the id of the participant.
    """

    gain_ms: Millis | None = None
    quotas: Mapping[str, LagQuota] = {}
    totals: Mapping[str, LagTotals] = {}

    def with_owner(self, owner_id: str, bank_ms: Millis, increment_ms: Millis) -> Self:
        """Give an owner with that bank and increment its first quota; keep one that it has."""
        if owner_id in self.quotas:
            return self
        gain = _gain(bank_ms, increment_ms) if self.gain_ms is None else self.gain_ms
        first = LagQuota(gain, Millis(_FIRST_QUOTA_IN_GAINS * gain))
        return replace(self, quotas={**self.quotas, owner_id: first})

    def after_turn(self, owner_id: str, participant_id: str, claim: LagClaim) -> Self:
        """Return the quotas and sums after the turn of `participant_id` on the owner's clock."""
        before = self.totals.get(participant_id, _NO_TURNS)
        frame_lag = before.frame_lag_ms if claim.frame_lag_ms is None else claim.frame_lag_ms
        quota = self.quotas[owner_id].after_turn(claim.compensated_ms, frame_lag)
        errors = (before.worst_error_ms, claim.error_ms)
        totals = LagTotals(
            before.turns + 1,
            Millis(before.claimed_ms + claim.claimed_ms),
            Millis(before.compensated_ms + claim.compensated_ms),
            max((ms for ms in errors if ms is not None), default=None),
            frame_lag,
        )
        return replace(
            self,
            quotas={**self.quotas, owner_id: quota},
            totals={**self.totals, participant_id: totals},
        )


_NO_TURNS = LagTotals()


def claimed_lag(now: Instant, acted_at: int | None, error_ms: int | None, ran_ms: Millis) -> Millis:
    """Return the lag that counts as claimed: from `acted_at` to `now`, less the client's error.

    It is at most 10 s, and at most `ran_ms`. It is 0 without an instant, and without an error:
    the claim of a client that doesn't know how wrong its clock is can't be trusted.
    """
    if acted_at is None or error_ms is None:
        return Millis(0)
    return Millis(max(0, min(now - acted_at - error_ms, MAX_CLAIM, ran_ms)))


def _gain(bank_ms: Millis, increment_ms: Millis) -> Millis:
    """The gain for the estimated time of a game of 40 turns."""
    estimate_ms = bank_ms + 40 * increment_ms
    return Millis(min(_MAX_GAIN, (estimate_ms * 2 // 5_000 + 15) * 10))

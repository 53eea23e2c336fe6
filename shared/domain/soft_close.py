"""A soft close: a switch shortly before the end moves the end (auctions)."""

from collections.abc import Iterator

from shared.domain.errors import Violation
from shared.domain.units import Instant, Millis
from shared.domain.values import Value


class SoftClose(Value, frozen=True):
    """A switch with at most `window_ms` left sets the clock to `to_ms`, or adds `by_ms` to it.

    Exactly one of the two is given. It happens `at_most` times, if that is given, and the clock
    never runs past `not_after`.
    """

    window_ms: Millis
    to_ms: Millis | None = None
    by_ms: Millis | None = None
    at_most: int | None = None
    not_after: Instant | None = None

    def extended(self, left: Millis, now: Instant, used: int) -> Millis:
        """Return the time left after a switch at `now`, before which `left` ms were left.

        `used` is the number of extensions so far. The time never becomes less.
        """
        is_used_up = self.at_most is not None and used >= self.at_most
        if is_used_up or not 0 < left <= self.window_ms:
            return left
        value = self.to_ms if self.by_ms is None else left + self.by_ms
        if self.not_after is not None:
            value = min(value or 0, self.not_after - now)
        return Millis(max(left, value or 0))


def soft_close_violations(rule: SoftClose, ends_at: Instant | None) -> Iterator[Violation]:
    """Yield the rules that a soft close breaks."""
    field = "extend_on_switch"
    if rule.to_ms is None and rule.by_ms is None:
        yield Violation(f"{field}.to_ms", "is required unless by_ms is given", "missing")
    elif rule.to_ms is not None and rule.by_ms is not None:
        yield Violation(f"{field}.by_ms", "cannot be combined with to_ms", "not_allowed")
    if rule.not_after is not None and ends_at is not None and rule.not_after <= ends_at:
        yield Violation(f"{field}.not_after", "must be after ends_at", "too_soon")

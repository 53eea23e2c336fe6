"""Convert instants to `datetime` and back, exact to the millisecond."""

from datetime import UTC, datetime, timedelta

from shared.domain.units import Instant

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def instant_of(value: datetime) -> Instant:
    """Return the instant of a timezone-aware datetime, rounded down to the millisecond."""
    return Instant((value - _EPOCH) // _MILLISECOND)


def datetime_of(instant: Instant) -> datetime:
    """Return the datetime in UTC. Raises `OverflowError` outside the years 1 to 9999."""
    return _EPOCH + instant * _MILLISECOND

"""Instants as `datetime` and back, to the millisecond and without a float in between."""

from datetime import UTC, datetime, timedelta

from shared.domain.units import Instant

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def instant_of(moment: datetime) -> Instant:
    """The instant of an aware `moment`; what is finer than a millisecond is dropped."""
    return Instant((moment - _EPOCH) // _MILLISECOND)


def datetime_of(instant: Instant) -> datetime:
    """The `instant`, in UTC. Raises `OverflowError` for one that no calendar has."""
    return _EPOCH + instant * _MILLISECOND

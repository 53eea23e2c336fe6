"""Timestamps of instants, including those outside the calendar."""

import pytest

from shared.application.session_view import timestamp
from shared.domain.units import Instant


@pytest.mark.parametrize(
    ("instant", "written"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_769_851_805_123, "2026-01-31T09:30:05.123Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (253_402_300_800_000, "9999-12-31T23:59:59.999Z"),
        (2**63, "9999-12-31T23:59:59.999Z"),
        (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        (-(2**63), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_every_instant_has_a_timestamp(instant: int, written: str) -> None:
    assert timestamp(Instant(instant)) == written

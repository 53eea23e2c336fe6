"""What the Python client says about its clock."""

from unittest.mock import Mock

from synckairos.measurement import measurement_of


def test_a_measurement_is_in_whole_ms_rounded_up_and_bounded() -> None:
    clock = Mock(error_ms=12.1, round_trip_ms=24.0)
    assert measurement_of(clock) == {"round_trip_ms": 24, "error_ms": 13}
    clock.error_ms = 9e9
    assert measurement_of(clock) == {"round_trip_ms": 24, "error_ms": 3_600_000}


def test_a_clock_that_is_not_measured_says_nothing() -> None:
    assert measurement_of(Mock(error_ms=float("inf"), round_trip_ms=float("inf"))) == {}

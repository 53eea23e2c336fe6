"""The round trip and the maximum error of this client's clock, for the presence of a session."""

from math import ceil, isfinite

from synckairos.clock import ServerClock

MOST_MS = 3_600_000
"""The largest value that the service takes."""


def measurement_of(clock: ServerClock) -> dict[str, int]:
    """Return `round_trip_ms` and `error_ms`, in whole ms and rounded up.

    Empty before the clock is measured.
    """
    if not isfinite(clock.error_ms):
        return {}
    measured = {"round_trip_ms": clock.round_trip_ms, "error_ms": clock.error_ms}
    return {name: min(ceil(ms), MOST_MS) for name, ms in measured.items()}

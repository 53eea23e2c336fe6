"""The fields of a switch that claim its lag, in a session with lag compensation."""

from math import ceil, isfinite

_MOST_FRAME_LAG_MS = 10_000
"""The longest frame lag that the service takes; above 860 ms it changes nothing."""


def lag_claim(acted_at: float, frame_lag_ms: float | None, error_ms: float) -> dict[str, int]:
    """Return the fields of a switch.

    `acted_at` is when the player acted (server time, ms). `frame_lag_ms` is the round trip of the
    player's connection; None if it isn't known. `error_ms` is the maximum error of the clock;
    infinite before the clock is measured, and then `acted_at_ms` and `error_ms` are absent. They
    are rounded up, so that the claim is never above the real lag.
    """
    claim: dict[str, int] = {}
    if isfinite(error_ms):
        claim |= {"acted_at_ms": ceil(acted_at), "error_ms": ceil(error_ms)}
    if frame_lag_ms is not None:
        claim["frame_lag_ms"] = min(ceil(frame_lag_ms), _MOST_FRAME_LAG_MS)
    return claim

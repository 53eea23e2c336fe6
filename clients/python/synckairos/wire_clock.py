"""The value of one clock at an instant, computed from the straight line that the service sends.

The formula is that of `docs/time-controls.md`, "Clocks on the wire". All functions are pure. All
durations and instants are in ms, instants on the server's clock; `server_time_ms` is that of the
state that has the clock.
"""

from synckairos.api_types import WireClock


def shown(clock: WireClock, server_time_ms: float, at: float) -> float:
    """Return the time on a clock at `at`, ms."""
    value, _ = _draw(clock, server_time_ms, at)
    return min(clock.get("ceiling_ms", float("inf")), max(clock.get("floor_ms", 0), value))


def phases_left(clock: WireClock, server_time_ms: float, at: float) -> int:
    """Return how many further phases are left after the one that the clock shows at `at`."""
    return _draw(clock, server_time_ms, at)[1]


def is_at_end(clock: WireClock, server_time_ms: float, at: float) -> bool:
    """Return whether the clock shows its lowest value and no phase is left: its flag has fallen."""
    value, further = _draw(clock, server_time_ms, at)
    return further == 0 and value <= clock.get("floor_ms", 0)


def phase_count(clock: WireClock) -> int:
    """Return how many phases the state lists."""
    return sum(phase["count"] for phase in clock.get("phases", ()))


def _draw(clock: WireClock, server_time_ms: float, at: float) -> tuple[float, int]:
    """Return the value without its limits, and the number of further phases."""
    since = min(at - server_time_ms, clock.get("stop_ms", float("inf")))
    elapsed = max(0, since - clock.get("hold_ms", 0))
    value = clock["left_ms"] + clock["rate"] * elapsed
    further = phase_count(clock)
    for phase in clock.get("phases", ()):
        for _ in range(phase["count"]):
            if value > 0:
                break
            value += phase["ms"]
            further -= 1
    return value, further

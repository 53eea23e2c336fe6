"""The server's clock as one client sees it."""

import time

import httpx

_SAMPLES = 12


class ServerClock:
    """A client's own monotonic clock plus the offset to the server's that it measured."""

    def __init__(self) -> None:
        self._offset_ms = 0.0
        self.round_trip_ms = float("inf")

    async def measure(self, http: httpx.AsyncClient) -> None:
        """Ask several times; the quickest answer has the smallest error."""
        for _ in range(_SAMPLES):
            sent = time.monotonic()
            answer = await http.get("/v1/time")
            received = time.monotonic()
            round_trip_ms = (received - sent) * 1000
            if round_trip_ms < self.round_trip_ms:
                self.round_trip_ms = round_trip_ms
                midpoint_ms = (sent + received) * 500
                self._offset_ms = answer.raise_for_status().json()["timestamp_ms"] - midpoint_ms

    def at_ms(self, instant: float) -> float:
        """The server's time, ms, when `time.monotonic()` reads `instant` (s)."""
        return instant * 1000 + self._offset_ms

"""What the service reports of its own work, whoever keeps the figures."""

from typing import Protocol


class Metrics(Protocol):
    """Takes in one observation at a time; durations in ms."""

    def observe_request(
        self, method: str, route: str, status: int, elapsed_ms: float, tenant: str | None = None
    ) -> None:
        """One request was served; `route` is its template, never its path."""

    def observe_audit_lag(self, lag_ms: float) -> None:
        """An entry went from its change to its row in the audit trail."""

    def observe_lateness(self, lateness_ms: float) -> None:
        """A wake-up's work was done so long after its instant."""

    def count_restored(self, sessions: int) -> None:
        """Sessions were put back because the store had lost its memory."""

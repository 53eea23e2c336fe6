"""What the service reports of its own work, whoever keeps the figures."""

from typing import Literal, Protocol

PushFate = Literal["failed", "coalesced", "retried", "lost"]
"""What else becomes of a push but to be sent: it failed, gave way to a newer state, was made up for
later with the state of then, or was neither sent nor made up for."""

StoreFault = Literal["timeout", "connection", "refused"]
"""Why the store was of no use: it didn't answer in time, it couldn't be reached, or it said no."""


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

    def observe_push(self, messages: int, duration_ms: float) -> None:
        """So many messages were sent to Supabase in one request."""

    def count_pushes(self, fate: PushFate, messages: int) -> None:
        """So many messages were not simply sent; `retried` and `lost` are counted by session."""

    def count_restored(self, sessions: int) -> None:
        """Sessions were put back because the store had lost its memory."""

    def count_store_error(self, fault: StoreFault) -> None:
        """A round trip to the store has failed."""

"""The interface through which the service reports metrics."""

from typing import Literal, Protocol

from shared.application.ports.webhooks import AttemptOutcome

PushOutcome = Literal["failed", "coalesced", "retried", "lost"]
"""Outcome of a push that was not simply sent: it failed, was replaced by a newer state, was sent
later with the state at that time, or was never sent."""

StoreErrorKind = Literal["timeout", "connection", "refused"]
"""Why a call to the store failed: no reply in time, no connection, or an error reply."""


class Metrics(Protocol):
    """Records one observation per call; durations in ms."""

    def observe_request(
        self, method: str, route: str, status: int, elapsed_ms: float, tenant: str | None = None
    ) -> None:
        """Record a served request; `route` is its template, never its path."""

    def observe_audit_lag(self, lag_ms: float) -> None:
        """Record the time from a change to its row in the audit trail."""

    def observe_wakeup_lateness(self, lateness_ms: float) -> None:
        """Record how long after its due time a wake-up was finished."""

    def observe_push(self, messages: int, duration_ms: float) -> None:
        """Record a request to Supabase that sent this many messages."""

    def count_pushes(self, fate: PushOutcome, messages: int) -> None:
        """Count messages that were not simply sent; `retried` and `lost` count sessions."""

    def count_webhook_attempt(self, outcome: AttemptOutcome) -> None:
        """Count an attempt to deliver a message to a webhook."""

    def count_restored_sessions(self, sessions: int) -> None:
        """Count sessions that were restored after the store had lost its data."""

    def count_store_error(self, fault: StoreErrorKind) -> None:
        """Count a failed round trip to the store."""

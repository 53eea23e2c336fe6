"""`Metrics` in memory, for Prometheus to scrape; dashboards rely on their names."""

from collections.abc import Sequence
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared.application.ports.metrics import PushOutcome, StoreErrorKind
from shared.application.ports.webhooks import AttemptOutcome
from shared.observability.process_metrics import ProcessMetrics
from shared.observability.production_figures import production_only
from shared.observability.request_metrics import RequestMetrics

_PUSH_BUCKETS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
_DELIVERY_BUCKETS_MS = (1, 2, 5, 10, 20, 35, 50, 75, 100, 150, 200, 350, 500, 1000, 2000)
_LATENESS_BUCKETS_MS = (1, 2, 5, 10, 20, 50, 100, 150, 200, 250, 350, 500, 1000, 2000)
_LAG_BUCKETS_MS = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 60_000)

_MOST_TENANTS = 1000
"""Bounds the series: each tenant adds one that lives as long as the process."""


class PrometheusMetrics:
    """The metrics of `GET /metrics`.

    Each instance has its own registry, so that a process can build several. Set
    `per_tenant` only where `GET /metrics` is not public: it counts requests per tenant.
    """

    def __init__(self, *, per_tenant: bool = False) -> None:
        self.registry = CollectorRegistry()
        self._known_tenants: set[str] = set()
        self._tenants = (
            self._counter("tenant_requests", "Requests served, by tenant", "tenant")
            if per_tenant
            else None
        )
        self._requests = RequestMetrics()
        self.registry.register(self._requests)
        self.live_sessions = self._gauge("active_sessions", "Sessions that have not ended")
        self.sockets = self._gauge("websocket_connections", "Open WebSockets and event streams")
        self.outbox_length = self._gauge(
            "db_write_queue_size", "Audit entries waiting to be written"
        )
        self.outbox_age = self._gauge(
            "audit_oldest_waiting_ms", "Waiting time of the oldest audit entry, ms"
        )
        self.dead_letters = self._gauge(
            "audit_dead_letters", "Audit entries that the database rejected"
        )
        self._audit_lag = self._histogram(
            "audit_lag_ms",
            "Time from a change to its row in the audit trail, as written by this worker, ms",
            _LAG_BUCKETS_MS,
        )
        self._sessions_restored = self._counter(
            "sessions_restored", "Sessions restored after the store had lost its data"
        )
        self._pushes_sent = self._counter("push_sent", "Messages accepted by Supabase Realtime")
        self._pushes: dict[PushOutcome, Counter] = {
            "failed": self._counter(
                "push_failed", "Messages that Supabase Realtime did not accept in time"
            ),
            "coalesced": self._counter("push_coalesced", "States replaced by a newer one unsent"),
            "retried": self._counter("push_retried", "Sessions whose failed push was sent later"),
            "lost": self._counter("push_lost", "Sessions whose failed push was never sent"),
        }
        self._push_durations = self._histogram(
            "push_duration_ms",
            "Duration of successful requests to Supabase Realtime, ms",
            _PUSH_BUCKETS_MS,
        )
        self._expiry_lateness = self._histogram(
            "expiry_lateness_ms",
            "Time from when a wake-up was due until it was handled, ms",
            _LATENESS_BUCKETS_MS,
        )
        self._deliveries = self._histogram(
            "delivery_latency_ms",
            "Time from a change until its push is written to every socket of this instance, ms",
            _DELIVERY_BUCKETS_MS,
        )
        errors = self._counter("store_errors", "Failed round trips to the store", "kind")
        self._store_errors = {kind: errors.labels(kind) for kind in get_args(StoreErrorKind)}
        webhooks = self._counter(
            "webhook_attempts", "Attempts to deliver a message to a webhook", "outcome"
        )
        self._webhooks = {one: webhooks.labels(one) for one in get_args(AttemptOutcome)}
        self.instance = ProcessMetrics(self.registry)

    def observe_delivery(self, latency_ms: float) -> None:
        """Record the latency of a push, once for all sockets of a session (container only)."""
        self._deliveries.observe(latency_ms)

    def count_store_error(self, fault: StoreErrorKind) -> None:
        self._store_errors[fault].inc()

    @production_only
    def observe_push(self, messages: int, duration_ms: float) -> None:
        self._pushes_sent.inc(messages)
        self._push_durations.observe(duration_ms)

    @production_only
    def count_pushes(self, fate: PushOutcome, messages: int) -> None:
        self._pushes[fate].inc(messages)

    def observe_audit_lag(self, lag_ms: float) -> None:
        self._audit_lag.observe(lag_ms)

    @production_only
    def observe_wakeup_lateness(self, lateness_ms: float) -> None:
        self._expiry_lateness.observe(lateness_ms)

    def count_webhook_attempt(self, outcome: AttemptOutcome) -> None:
        self._webhooks[outcome].inc()

    def count_restored_sessions(self, sessions: int) -> None:
        self._sessions_restored.inc(sessions)

    @production_only
    def observe_request(
        self, method: str, route: str, status: int, elapsed_ms: float, tenant: str | None = None
    ) -> None:
        self._requests.observe(method, route, status, elapsed_ms)
        if self._tenants and tenant:
            self._tenants.labels(self._tenant_label(tenant)).inc()

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"synckairos_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"synckairos_{name}", meaning, registry=self.registry)

    def _histogram(self, name: str, meaning: str, buckets: Sequence[float]) -> Histogram:
        return Histogram(f"synckairos_{name}", meaning, registry=self.registry, buckets=buckets)

    def _tenant_label(self, tenant: str) -> str:
        """Return `tenant`, or `other` for those beyond the first 1000."""
        if len(self._known_tenants) < _MOST_TENANTS:
            self._known_tenants.add(tenant)
        return tenant if tenant in self._known_tenants else "other"

"""`Metrics` in CloudWatch's embedded metric format: one log line per observation."""

import os
import time
from typing import Any

import msgspec

from shared.application.ports.metrics import PushOutcome, StoreErrorKind
from shared.application.ports.webhooks import AttemptOutcome
from shared.observability.production_figures import production_only

_NAMESPACE = "SyncKairos"


class EmfMetrics:
    """Writes each observation to standard output, which on Lambda is the log."""

    def __init__(self) -> None:
        self._common = {
            "Stage": os.environ.get("STAGE", "local"),
            "Function": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local"),
        }

    @production_only
    def observe_request(
        self, method: str, route: str, status: int, elapsed_ms: float, tenant: str | None = None
    ) -> None:
        more = {"method": method, "route": route, "status": status, "tenant": tenant}
        self._write("RequestDuration", elapsed_ms, "Milliseconds", ["Stage", "Function"], more)

    def observe_audit_lag(self, lag_ms: float) -> None:
        self._write("AuditLag", lag_ms, "Milliseconds", ["Stage"])

    @production_only
    def observe_wakeup_lateness(self, lateness_ms: float) -> None:
        self._write("ExpiryLateness", lateness_ms, "Milliseconds", ["Stage"])

    @production_only
    def observe_push(self, messages: int, duration_ms: float) -> None:
        more = {"messages": messages}
        self._write("PushDuration", duration_ms, "Milliseconds", ["Stage"], more)

    @production_only
    def count_pushes(self, fate: PushOutcome, messages: int) -> None:
        self._write(f"Pushes{fate.capitalize()}", messages, "Count", ["Stage"])

    def count_webhook_attempt(self, outcome: AttemptOutcome) -> None:
        self._write(f"Webhooks{outcome.capitalize()}", 1, "Count", ["Stage"])

    def count_restored_sessions(self, sessions: int) -> None:
        self._write("SessionsRestored", sessions, "Count", ["Stage"])

    def count_store_error(self, fault: StoreErrorKind) -> None:
        self._write("StoreErrors", 1, "Count", ["Stage"], {"fault": fault})

    def _write(
        self,
        name: str,
        value: float,
        unit: str,
        dimensions: list[str],
        more: dict[str, Any] | None = None,
    ) -> None:
        directive = {
            "Namespace": _NAMESPACE,
            "Dimensions": [dimensions],
            "Metrics": [{"Name": name, "Unit": unit}],
        }
        head = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
        line = {"_aws": head, **self._common, **(more or {}), name: round(value, 3)}
        print(msgspec.json.encode(line).decode(), flush=True)

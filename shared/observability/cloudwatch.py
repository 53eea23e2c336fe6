"""`Metrics` of functions: one log line per observation, some of them in CloudWatch's metric format.

CloudWatch charges for each metric, so only those of `METRICS` become metrics (embedded metric
format), and only with `CLOUDWATCH_METRICS=on`. All observations are in the log, where Logs Insights
finds them.
"""

import os
import time
from typing import Any

import msgspec

from shared.application.ports.metrics import PushOutcome, StoreErrorKind
from shared.application.ports.webhooks import AttemptOutcome
from shared.observability.production_figures import production_only

_NAMESPACE = "SyncKairos"

METRICS = frozenset({"AuditLag", "ExpiryLateness", "PushesLost", "StoreErrors"})
"""The observations that become metrics: those of an alarm or of the runbook in operations.md.

Requests are missing, because AWS measures them for each function and for the API free of charge.
"""


class EmfMetrics:
    """Writes each observation to standard output, which on Lambda is the log."""

    def __init__(self) -> None:
        self._stage = os.environ.get("STAGE", "local")
        self._function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local")
        self._as_metrics = METRICS if os.environ.get("CLOUDWATCH_METRICS") == "on" else frozenset()

    @production_only
    def observe_request(
        self, method: str, route: str, status: int, elapsed_ms: float, tenant: str | None = None
    ) -> None:
        more = {"method": method, "route": route, "status": status, "tenant": tenant}
        self._write("RequestDuration", elapsed_ms, "Milliseconds", more)

    def observe_audit_lag(self, lag_ms: float) -> None:
        self._write("AuditLag", lag_ms, "Milliseconds")

    @production_only
    def observe_wakeup_lateness(self, lateness_ms: float) -> None:
        self._write("ExpiryLateness", lateness_ms, "Milliseconds")

    @production_only
    def observe_push(self, messages: int, duration_ms: float) -> None:
        more = {"messages": messages}
        self._write("PushDuration", duration_ms, "Milliseconds", more)

    @production_only
    def count_pushes(self, fate: PushOutcome, messages: int) -> None:
        self._write(f"Pushes{fate.capitalize()}", messages, "Count")

    def count_webhook_attempt(self, outcome: AttemptOutcome) -> None:
        self._write(f"Webhooks{outcome.capitalize()}", 1, "Count")

    def count_restored_sessions(self, sessions: int) -> None:
        self._write("SessionsRestored", sessions, "Count")

    def count_store_error(self, fault: StoreErrorKind) -> None:
        self._write("StoreErrors", 1, "Count", {"fault": fault})

    def _write(
        self, name: str, value: float, unit: str, more: dict[str, Any] | None = None
    ) -> None:
        line = {"Stage": self._stage, "Function": self._function, **(more or {})}
        line[name] = round(value, 3)
        if name in self._as_metrics:
            line["_aws"] = {
                "Timestamp": int(time.time() * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": _NAMESPACE,
                        "Dimensions": [["Stage"]],
                        "Metrics": [{"Name": name, "Unit": unit}],
                    }
                ],
            }
        print(msgspec.json.encode(line).decode(), flush=True)

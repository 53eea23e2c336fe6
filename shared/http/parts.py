"""The components with which an instance serves requests."""

from dataclasses import dataclass

from shared.clock import StoreClock
from shared.history import History
from shared.http.gate import Gate
from shared.http.subscriptions import Subscriptions
from shared.metrics.ports import Metrics
from shared.ports import SessionStore
from shared.readiness import Readiness
from shared.session_service import SessionService


@dataclass(slots=True)
class Parts:
    """The components of an instance, built once by `shared.composition` and passed to each call."""

    service: SessionService
    store: SessionStore
    clock: StoreClock
    readiness: Readiness
    history: History
    gate: Gate
    subscriptions: Subscriptions
    metrics: Metrics
    is_leaving: bool = False
    """Whether the instance is shutting down, so that load balancers should not use it."""

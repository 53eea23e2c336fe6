"""What an instance has to serve requests with."""

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
    """Made once for an instance, by `shared.composition`, and given to every call."""

    service: SessionService
    store: SessionStore
    clock: StoreClock
    readiness: Readiness
    history: History
    gate: Gate
    subscriptions: Subscriptions
    metrics: Metrics
    is_leaving: bool = False
    """Whether the instance is about to end, so that no client should be sent to it."""

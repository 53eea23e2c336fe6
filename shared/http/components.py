"""The components with which an instance serves requests."""

from dataclasses import dataclass

from shared.application.history import AuditHistory
from shared.application.ports.metrics import Metrics
from shared.application.ports.session_store import SessionStore
from shared.application.readiness import Readiness
from shared.application.session_service import SessionService
from shared.application.store_clock import StoreClock
from shared.http.access_control import AccessControl
from shared.http.realtime_info import Subscriptions


@dataclass(slots=True)
class Components:
    """The components of an instance, built once by `shared.composition` and passed to each call."""

    service: SessionService
    store: SessionStore
    clock: StoreClock
    readiness: Readiness
    history: AuditHistory
    access_control: AccessControl
    subscriptions: Subscriptions
    metrics: Metrics
    is_shutting_down: bool = False
    """Whether the instance is shutting down, so that load balancers should not use it."""

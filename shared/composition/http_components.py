"""Builds the components that serve requests."""

from shared.application.ports.metrics import Metrics
from shared.composition.auth import make_gate
from shared.composition.backend import Backend
from shared.http.components import Components
from shared.http.realtime_info import make_subscriptions
from shared.settings.settings import Settings


def build_http_components(
    backend: Backend, settings: Settings, metrics: Metrics, *, holds_sockets: bool
) -> Components:
    """Build the components of an instance; `holds_sockets` is true in the container.

    Ends the process if a setting that the container needs is missing.
    """
    return Components(
        service=backend.service,
        store=backend.store,
        clock=backend.clock,
        readiness=backend.readiness,
        history=backend.history,
        access_control=make_gate(settings, settings.host if holds_sockets else None),
        subscriptions=make_subscriptions(settings, holds_sockets=holds_sockets),
        metrics=metrics,
    )

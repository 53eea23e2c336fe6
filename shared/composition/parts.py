"""Builds the components that serve requests."""

from shared.composition.access import gate
from shared.composition.backend import Backend
from shared.http.parts import Parts
from shared.http.subscriptions import subscriptions
from shared.metrics.ports import Metrics
from shared.settings.settings import Settings


def parts_of(
    backend: Backend, settings: Settings, metrics: Metrics, *, holds_sockets: bool
) -> Parts:
    """Build the components of an instance; `holds_sockets` is true in the container.

    Ends the process if a setting that the container needs is missing.
    """
    return Parts(
        service=backend.service,
        store=backend.store,
        clock=backend.clock,
        readiness=backend.readiness,
        history=backend.history,
        gate=gate(settings, settings.host if holds_sockets else None),
        subscriptions=subscriptions(settings, holds_sockets=holds_sockets),
        metrics=metrics,
    )

"""An endpoint as a function: Mangum around a FastAPI app with just its route."""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from fastapi import APIRouter

from shared.http import application
from shared.http.subscriptions import subscriptions
from shared.serverless import invocation_log
from shared.serverless.http_events import Adapter
from shared.serverless.instance import instance, is_on_lambda, started

Routers = Callable[[], Iterable[APIRouter]]


class HttpFunction:
    """Takes events of an HTTP API, of a REST API and of a function URL.

    On Lambda it is ready when its module is; elsewhere, as in the container, it costs nothing.
    """

    def __init__(self, routers: Routers, *, describes_itself: bool = False) -> None:
        self._routers = routers
        self._describes_itself = describes_itself
        if is_on_lambda():
            _ = self._adapter
            started()

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Serve one invocation."""
        invocation_log.begin(context)
        return self._adapter(event, context)

    @cached_property
    def _adapter(self) -> Adapter:
        here = instance()
        app = application.build(
            self._routers(),
            backend=here.backend,
            metrics=here.metrics,
            gate=here.gate,
            subscriptions=subscriptions(here.settings, holds_sockets=False),
            cors_origins=here.settings.cors_origins,
            describes_itself=self._describes_itself,
        )
        return Adapter(app, lifespan="off")


def function_of(router: APIRouter) -> HttpFunction:
    """The function that serves `router` alone."""
    return HttpFunction(lambda: [router])

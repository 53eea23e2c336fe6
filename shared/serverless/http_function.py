"""Runs endpoints as a Lambda function: Mangum around a pipeline with only their routes."""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from shared.composition.http_components import build_http_components
from shared.http.pipeline import Pipeline
from shared.http.routing import Route
from shared.serverless.http_events import SafeMangum
from shared.serverless.instance import LambdaFunction, instance


class HttpFunction(LambdaFunction):
    """Handles events of an HTTP API, a REST API or a function URL."""

    def __init__(self, routes: Callable[[], Iterable[Route]]) -> None:
        self._routes = routes
        super().__init__()

    def start(self) -> None:
        """Build the instance and the pipeline."""
        _ = self._adapter

    def handle(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Handle one request."""
        return self._adapter(event, context)

    @cached_property
    def _adapter(self) -> SafeMangum:
        here = instance()
        components = build_http_components(
            here.backend, here.settings, here.metrics, holds_sockets=False
        )
        return SafeMangum(
            Pipeline(self._routes(), components, here.settings.cors_origins), lifespan="off"
        )


def make_http_function(routes: Iterable[Route]) -> HttpFunction:
    """Return a function that serves only these routes."""
    return HttpFunction(lambda: routes)

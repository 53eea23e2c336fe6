"""The application around a set of routes: the same for one function and for all of them."""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from shared.backend import Backend
from shared.http import errors, openapi
from shared.http.compression import Compression
from shared.http.gate import Gate
from shared.http.head import HeadAsGet
from shared.http.intake import Intake
from shared.http.security_headers import DefaultHeaders
from shared.http.subscriptions import Subscriptions
from shared.metrics.ports import Metrics

VERSION = "2.0.0"
_CORS_MAX_AGE_S = 600

_DESCRIPTION = """\
Keeps many clients on one clock. A session stores anchors, and everyone computes what is left:
`remaining = total_time_ms - (server_now - cycle_started_at)`. `GET /v1/time` tells server_now.
"""

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def build(
    routers: Iterable[APIRouter],
    *,
    backend: Backend,
    metrics: Metrics,
    gate: Gate,
    subscriptions: Subscriptions,
    cors_origins: list[str],
    shortcut: Callable[[ASGIApp], ASGIApp] | None = None,
    lifespan: Lifespan | None = None,
    describes_itself: bool = True,
) -> FastAPI:
    """An application that serves `routers`; a `shortcut` sees requests before they are routed.

    One that `describes_itself` serves the OpenAPI document of its routes too.
    """
    app = FastAPI(
        title="SyncKairos",
        version=VERSION,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=lifespan,
    )
    app.state.gate = gate
    app.state.subscriptions = subscriptions
    app.state.service = backend.service
    app.state.store = backend.store
    app.state.clock = backend.clock
    app.state.readiness = backend.readiness
    app.state.history = backend.history
    app.state.metrics = metrics
    app.state.is_leaving = False
    for router in routers:
        # Flat: an included router is matched as a layer of its own, on every request.
        app.router.routes.extend(router.routes)
    if describes_itself:
        openapi.serve(app, "/api-docs.json")
    errors.install(app)
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign] # FastAPI's own way
    if shortcut:
        app.add_middleware(shortcut)
    app.add_middleware(Intake, metrics=metrics)
    app.add_middleware(Compression)
    if cors_origins:
        _allow(app, cors_origins)
    app.add_middleware(DefaultHeaders)
    app.add_middleware(HeadAsGet)
    return app


def _allow(app: FastAPI, origins: list[str]) -> None:
    """Let pages of `origins` call from a browser."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "HEAD", "POST", "PATCH", "DELETE"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "Idempotency-Key",
            "If-Match",
            "If-None-Match",
            "X-Request-Id",
        ],
        expose_headers=[
            "ETag",
            "Location",
            "Idempotent-Replayed",
            "RateLimit-Limit",
            "RateLimit-Remaining",
            "RateLimit-Reset",
            "Retry-After",
            "WWW-Authenticate",
            "X-Request-Id",
        ],
        max_age=_CORS_MAX_AGE_S,
    )

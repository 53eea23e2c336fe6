"""Builds the components that serve requests, with authentication and rate limits."""

from shared.application.ports.metrics import Metrics
from shared.auth.api_keys import ApiKeys
from shared.auth.jwks import JwksClient
from shared.auth.rate_limits import RateLimiter, RateLimits
from shared.auth.tokens import Issuer, TokenService
from shared.composition.backend import Backend
from shared.http.access_control import AccessControl
from shared.http.origins import OriginPolicy, is_loopback
from shared.http.realtime_info import make_subscriptions
from shared.http.request import Components
from shared.settings.settings import Settings


def build_http_components(
    backend: Backend, settings: Settings, metrics: Metrics, *, holds_sockets: bool
) -> Components:
    """Build the components of an instance; `holds_sockets` is true in the container.

    Ends the process if a setting that the container needs is missing.
    """
    return Components(
        service=backend.service,
        sessions=backend.sessions,
        joins=backend.joins,
        store=backend.store,
        clock=backend.clock,
        readiness=backend.readiness,
        history=backend.history,
        presence=backend.presence,
        revocations=backend.revocations,
        api_keys=backend.api_key_service,
        webhooks=backend.webhook_service,
        access_control=_access_control(settings, backend, settings.host if holds_sockets else None),
        subscriptions=make_subscriptions(settings, holds_sockets=holds_sockets),
        metrics=metrics,
        embed_origins=settings.embed_origins,
    )


def _access_control(settings: Settings, backend: Backend, listens_on: str | None) -> AccessControl:
    """Return the access control; `listens_on` is the container's host."""
    limits = RateLimits(
        general=settings.rate_limit_general,
        anonymous=settings.anonymous_rate,
        service=settings.rate_limit_service,
        switches=settings.rate_limit_switch,
        fails_open=settings.rate_limit_failure == "open",
    )
    hops, keys = settings.trusted_proxy_hops, ApiKeys(backend.api_key_service.registry)
    limiter, revocations = RateLimiter(limits), backend.revocations
    if settings.requires_authentication:
        return AccessControl(_tokens(settings), limiter, keys, revocations, hops)
    is_local = listens_on is not None and is_loopback(listens_on) and not hops
    origins = OriginPolicy(settings.cors_origins, hops, is_local=is_local)
    return AccessControl(None, limiter, keys, revocations, hops, origins)


def _tokens(settings: Settings) -> TokenService:
    issuer = None
    if settings.jwt_jwks_url:
        issuer = Issuer(JwksClient(settings.jwt_jwks_url), settings.jwt_algorithm)
    return TokenService(
        settings.jwt_secret.get_secret_value() if settings.jwt_secret else None,
        issuer,
        expected_issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
    )

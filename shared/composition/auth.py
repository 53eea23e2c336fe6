"""Builds authentication, authorization and rate limits from settings."""

from pydantic import SecretStr

from shared.auth.jwks import JwksClient
from shared.auth.rate_limits import RateLimiter, RateLimits
from shared.auth.tokens import Issuer, TokenService
from shared.http.access_control import AccessControl
from shared.http.origins import OriginPolicy, is_loopback
from shared.settings.settings import Settings


def make_gate(settings: Settings, listens_on: str | None = None) -> AccessControl:
    """Return the access control of every request; the container passes the host it `listens_on`."""
    rates = RateLimits(
        general=settings.rate_limit_general,
        anonymous=settings.anonymous_rate,
        service=settings.rate_limit_service,
        switches=settings.rate_limit_switch,
        fails_open=settings.rate_limit_failure == "open",
    )
    hops = settings.trusted_proxy_hops
    origins = None
    if not settings.requires_authentication:
        is_local = listens_on is not None and is_loopback(listens_on) and not hops
        origins = OriginPolicy(settings.cors_origins, hops, is_local=is_local)
    return AccessControl(make_tokens(settings), RateLimiter(rates), hops, origins)


def make_tokens(settings: Settings) -> TokenService | None:
    """Return the verifier and signer of tokens, or None if authentication is disabled."""
    if not settings.requires_authentication:
        return None
    issuer = None
    if settings.jwt_jwks_url:
        issuer = Issuer(JwksClient(settings.jwt_jwks_url), settings.jwt_algorithm)
    return TokenService(
        _secret_value(settings.jwt_secret),
        issuer,
        expected_issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
    )


def _secret_value(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None

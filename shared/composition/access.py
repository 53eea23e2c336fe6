"""Builds authentication, authorization and rate limits from settings."""

from pydantic import SecretStr

from shared.access.allowance import RateLimiter, Rates
from shared.access.jwks import FetchedKeys
from shared.access.tokens import Issuer, Tokens
from shared.http.gate import Gate
from shared.http.origins import Origins, is_loopback
from shared.settings.settings import Settings


def gate(settings: Settings, listens_on: str | None = None) -> Gate:
    """Return the gate that checks every request; the container passes the host it `listens_on`."""
    rates = Rates(
        general=settings.rate_limit_general,
        anonymous=settings.anonymous_rate,
        service=settings.rate_limit_service,
        switches=settings.rate_limit_switch,
        fails_open=settings.rate_limit_failure == "open",
    )
    hops = settings.trusted_proxy_hops
    origins = None
    if not settings.asks_for_tokens:
        is_local = listens_on is not None and is_loopback(listens_on) and not hops
        origins = Origins(settings.cors_origins, hops, is_local=is_local)
    return Gate(tokens(settings), RateLimiter(rates), hops, origins)


def tokens(settings: Settings) -> Tokens | None:
    """Return the verifier and signer of tokens, or None if authentication is disabled."""
    if not settings.asks_for_tokens:
        return None
    issuer = None
    if settings.jwt_jwks_url:
        issuer = Issuer(FetchedKeys(settings.jwt_jwks_url), settings.jwt_algorithm)
    return Tokens(
        _secret_value(settings.jwt_secret),
        issuer,
        expected_issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
    )


def _secret_value(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None

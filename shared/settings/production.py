"""Check the settings that production requires."""

import re
from collections.abc import Iterator

from pydantic import SecretStr

from shared.settings.settings import Settings

_MIN_DISTINCT_CHARACTERS = 10
_PLACEHOLDER = re.compile(
    r"(change|default|dummy|example|placeholder|secret|test|your)|.*(change|replace).?me", re.I
)


def require_production_ready(settings: Settings) -> None:
    """In production, exit with a message that names each missing or placeholder setting."""
    _exit_on_faults(settings, production_faults(settings))


def require_secure_secrets(settings: Settings) -> None:
    """The same for a Lambda function, which may lack settings; placeholders are refused."""
    _exit_on_faults(settings, insecure_settings(settings))


def _exit_on_faults(settings: Settings, faults: Iterator[str]) -> None:
    if settings.app_env == "production" and (found := list(faults)):
        raise SystemExit(f"SyncKairos can't start in production. {'; '.join(found)}.")


def production_faults(settings: Settings) -> Iterator[str]:
    """Yield a message for each setting of the container that is missing or insecure."""
    if not (settings.jwt_secret or settings.jwt_jwks_url):
        yield "JWT_SECRET is missing (or JWT_JWKS_URL, if another service issues tokens)"
    if not settings.redis_url:
        yield "REDIS_URL is missing"
    if not (settings.database_url or settings.supabase_url):
        yield "DATABASE_URL is missing (or SUPABASE_URL with SUPABASE_SERVICE_ROLE_KEY)"
    yield from insecure_settings(settings)


def insecure_settings(settings: Settings) -> Iterator[str]:
    """Yield a message for each setting that is set, but to an insecure value."""
    if settings.jwt_jwks_url and not settings.jwt_jwks_url.startswith("https://"):
        yield "JWT_JWKS_URL must begin with https://"
    secrets = {
        "JWT_SECRET": settings.jwt_secret,
        "METRICS_TOKEN": settings.metrics_token,
        "SUPABASE_JWT_SECRET": settings.supabase_jwt_secret,
        "SUPABASE_SERVICE_ROLE_KEY": settings.supabase_service_role_key,
        "UPSTASH_REDIS_REST_TOKEN": settings.upstash_redis_rest_token,
    }
    for name, secret in secrets.items():
        if secret and _is_placeholder(secret):
            yield f"{name} is a placeholder; `openssl rand -hex 32` makes a real one"


def _is_placeholder(secret: SecretStr) -> bool:
    """Whether the secret could be guessed: a placeholder, or too few different characters."""
    value = secret.get_secret_value()
    return len(set(value)) < _MIN_DISTINCT_CHARACTERS or _PLACEHOLDER.match(value) is not None

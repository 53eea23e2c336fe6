"""What must be set before anybody in production is served."""

import re
from collections.abc import Iterator

from pydantic import SecretStr

from shared.settings import Settings

_FEWEST_CHARACTERS = 10
_PLACEHOLDER = re.compile(
    r"(change|default|dummy|example|placeholder|secret|test|your)|.*(change|replace).?me", re.I
)


def require_production_ready(settings: Settings) -> None:
    """End the process with a sentence that names each setting that is missing or a placeholder."""
    _require_none(settings, faults_of(settings))


def require_sound_secrets(settings: Settings) -> None:
    """The same for one function, which has only those that it needs: none may be a placeholder."""
    _require_none(settings, unsound_of(settings))


def _require_none(settings: Settings, faults: Iterator[str]) -> None:
    if settings.app_env == "production" and (found := list(faults)):
        raise SystemExit(f"SyncKairos can't start in production. {'; '.join(found)}.")


def faults_of(settings: Settings) -> Iterator[str]:
    """What is missing for the container, or no secret."""
    if not (settings.jwt_secret or settings.jwt_jwks_url):
        yield "JWT_SECRET is missing (or JWT_JWKS_URL, where someone else issues tokens)"
    if not settings.redis_url:
        yield "REDIS_URL is missing"
    if not (settings.database_url or settings.supabase_url):
        yield "DATABASE_URL is missing (or SUPABASE_URL with SUPABASE_SERVICE_ROLE_KEY)"
    yield from unsound_of(settings)


def unsound_of(settings: Settings) -> Iterator[str]:
    """What is set, but not to anything that keeps somebody out."""
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
    """Whether anybody could have guessed it: it says what it stands for, or repeats itself."""
    value = secret.get_secret_value()
    return len(set(value)) < _FEWEST_CHARACTERS or _PLACEHOLDER.match(value) is not None

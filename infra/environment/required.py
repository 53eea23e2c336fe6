"""The secrets of each place where the service runs: what they are for, and how to come by them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Literal

Target = Literal["fly", "lambda"]


@dataclass(frozen=True, slots=True)
class Secret:
    """One variable; `make` is how a fresh one is made, where anybody could make it."""

    name: str
    meaning: str
    how: str
    make: Callable[[], str] | None = None
    is_needed: bool = True
    """Else the service does without, and does less."""
    when_replaced: str = ""
    """What happens to those who went by the one before."""


def _random() -> str:
    return token_hex(32)


_JWT = Secret(
    "JWT_SECRET",
    "signs tokens",
    "openssl rand -hex 32; your backend needs it too",
    _random,
    when_replaced="everybody's token ends at once",
)
_METRICS = Secret(
    "METRICS_TOKEN",
    "who asks for /metrics must have it",
    "openssl rand -hex 32; your Prometheus needs it too",
    _random,
    when_replaced="Prometheus needs the new one",
)
_SERVICE_KEY = Secret(
    "SUPABASE_SERVICE_ROLE_KEY",
    "lets us write to the project, past every policy",
    "Supabase: Project Settings, API Keys, a secret key",
)
_SIGNING = Secret(
    "SUPABASE_SIGNING_KEY",
    "signs the tokens of Supabase Realtime's listeners",
    "supabase gen signing-key --algorithm ES256, imported into the project under JWT Keys",
    when_replaced="import the new one into the project first",
)
_REDIS = Secret("REDIS_URL", "where sessions are", "Upstash: rediss://default:PASSWORD@HOST:6379")
_DATABASE = Secret("DATABASE_URL", "where the trail is", "Supabase: Connect, session pooler")
_REST_URL = Secret("UPSTASH_REDIS_REST_URL", "where sessions are", "Upstash: REST API, its URL")
_REST_TOKEN = Secret("UPSTASH_REDIS_REST_TOKEN", "lets us in there", "Upstash: REST API, its token")
_PROJECT = Secret("SUPABASE_URL", "where the project is", "Supabase: https://PROJECT.supabase.co")
_PUBLISHABLE = Secret(
    "SUPABASE_PUBLISHABLE_KEY",
    "what clients show Supabase Realtime",
    "Supabase: Project Settings, API Keys, the publishable key",
)


def _optional(secret: Secret) -> Secret:
    return replace(secret, is_needed=False)


_SECRETS: dict[Target, tuple[Secret, ...]] = {
    "fly": (_REDIS, _DATABASE, _JWT, _METRICS, _optional(_SERVICE_KEY), _optional(_SIGNING)),
    "lambda": (_REST_URL, _REST_TOKEN, _JWT, _PROJECT, _SERVICE_KEY, _PUBLISHABLE, _SIGNING),
}


def secrets_of(target: Target) -> tuple[Secret, ...]:
    """Those that the service may have there."""
    return _SECRETS[target]


def required(target: Target) -> tuple[Secret, ...]:
    """Those that it doesn't do without."""
    return tuple(secret for secret in _SECRETS[target] if secret.is_needed)

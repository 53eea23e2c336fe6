"""The secrets of each deployment target: their purpose and how to get them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Literal

Target = Literal["fly", "lambda"]


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret variable; `make` generates a new value if it is a random one."""

    name: str
    meaning: str
    """Its purpose, as a predicate: "signs tokens"."""
    how: str
    """How to get a value."""
    make: Callable[[], str] | None = None
    is_required: bool = True
    """False if the service can also run without it."""
    when_replaced: str = ""
    """The consequence of replacing its value, for a warning."""


def _random() -> str:
    return token_hex(32)


_JWT = Secret(
    "JWT_SECRET",
    "signs tokens",
    "openssl rand -hex 32; your backend needs it too",
    _random,
    when_replaced="all tokens signed with the old one become invalid at once",
)
_METRICS = Secret(
    "METRICS_TOKEN",
    "protects /metrics",
    "openssl rand -hex 32; your Prometheus needs it too",
    _random,
    when_replaced="Prometheus needs the new one",
)
_SERVICE_KEY = Secret(
    "SUPABASE_SERVICE_ROLE_KEY",
    "lets the service write to the project, bypassing row-level security",
    "Supabase: Project Settings, API Keys, a secret key",
)
_SIGNING = Secret(
    "SUPABASE_SIGNING_KEY",
    "signs the tokens of Supabase Realtime's subscribers",
    "supabase gen signing-key --algorithm ES256, imported into the project under JWT Keys",
    when_replaced="import the new one into the project first",
)
_REDIS = Secret(
    "REDIS_URL", "names the session store", "Upstash: rediss://default:PASSWORD@HOST:6379"
)
_DATABASE = Secret(
    "DATABASE_URL", "names the audit trail's database", "Supabase: Connect, transaction pooler"
)
_REST_URL = Secret(
    "UPSTASH_REDIS_REST_URL", "names the session store", "Upstash: REST API, its URL"
)
_REST_TOKEN = Secret(
    "UPSTASH_REDIS_REST_TOKEN",
    "gives access to the session store",
    "Upstash: REST API, its token",
)
_PROJECT = Secret(
    "SUPABASE_URL", "names the Supabase project", "Supabase: https://PROJECT.supabase.co"
)
_PUBLISHABLE = Secret(
    "SUPABASE_PUBLISHABLE_KEY",
    "lets clients connect to Supabase Realtime",
    "Supabase: Project Settings, API Keys, the publishable key",
)


def _optional(secret: Secret) -> Secret:
    return replace(secret, is_required=False)


_SECRETS: dict[Target, tuple[Secret, ...]] = {
    "fly": (_REDIS, _DATABASE, _JWT, _METRICS, _optional(_SERVICE_KEY), _optional(_SIGNING)),
    "lambda": (_REST_URL, _REST_TOKEN, _JWT, _PROJECT, _SERVICE_KEY, _PUBLISHABLE, _SIGNING),
}


def all_secrets(target: Target) -> tuple[Secret, ...]:
    """Return all secrets of a target, optional ones included."""
    return _SECRETS[target]


def required_secrets(target: Target) -> tuple[Secret, ...]:
    """Return the secrets that must be set on a target."""
    return tuple(secret for secret in _SECRETS[target] if secret.is_required)

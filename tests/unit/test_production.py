"""Checks of the settings that production requires."""

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from shared.settings.production import require_production_ready, require_secure_secrets
from shared.settings.settings import Settings

_GOOD = {
    "app_env": "production",
    "jwt_secret": "9d1c5be0f2a74388b6e4c1d0a3f59e72",
    "redis_url": "redis://redis.example:6379/0",
    "database_url": "postgresql://user:pa55word@db.example/postgres",
}


def _settings(**changed: str | None) -> Settings:
    values: dict[str, Any] = {k: v for k, v in (_GOOD | changed).items() if v is not None}
    return Settings.model_validate(values)


def test_production_starts_with_all_required_settings() -> None:
    require_production_ready(_settings())


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ({"jwt_secret": None}, ["JWT_SECRET is missing"]),
        ({"redis_url": None}, ["REDIS_URL is missing"]),
        ({"database_url": None}, ["DATABASE_URL is missing"]),
        ({"jwt_secret": None, "redis_url": None}, ["JWT_SECRET", "REDIS_URL"]),
        ({"jwt_secret": "change-me" * 5}, ["JWT_SECRET is a placeholder"]),
        ({"jwt_secret": "please_change_me_please_change_me"}, ["JWT_SECRET is a placeholder"]),
        ({"jwt_secret": "your-256-bit-secret-goes-in-here"}, ["JWT_SECRET is a placeholder"]),
        ({"jwt_secret": "a" * 32}, ["JWT_SECRET is a placeholder"]),
        ({"jwt_jwks_url": "http://issuer.example/keys"}, ["JWT_JWKS_URL must begin with https://"]),
        ({"metrics_token": "secret"}, ["METRICS_TOKEN is a placeholder"]),
    ],
)
def test_missing_and_placeholder_settings_are_named(
    missing: dict[str, str | None], named: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        require_production_ready(_settings(**missing))
    message = str(ended.value)
    assert all(name in message for name in named)
    assert not any(value and value in message for value in missing.values())


def test_a_function_may_lack_settings_but_must_not_have_placeholders() -> None:
    nothing = {"jwt_secret": None, "redis_url": None, "database_url": None}
    require_secure_secrets(_settings(**nothing))
    with pytest.raises(SystemExit, match="JWT_SECRET is a placeholder"):
        require_secure_secrets(_settings(**nothing | {"jwt_secret": "change-me" * 5}))


def test_outside_production_nothing_is_required() -> None:
    require_production_ready(_settings(app_env="local", jwt_secret=None, redis_url=None))


def test_an_issuer_s_keys_replace_the_secret() -> None:
    keys = "https://project.supabase.co/auth/v1/.well-known/jwks.json"
    require_production_ready(_settings(jwt_secret=None, jwt_jwks_url=keys))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"auth_disabled": "true"}, "AUTH_DISABLED can't be true"),
        ({"jwt_secret": "x" * 31}, "at least 32 bytes"),
    ],
)
def test_insecure_authentication_settings_are_refused(
    changed: dict[str, str | None], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        _settings(**changed)


@pytest.mark.parametrize(
    ("changed", "asks"),
    [
        ({}, True),
        ({"app_env": "local"}, True),
        ({"app_env": "local", "jwt_secret": None}, False),
        ({"app_env": "local", "auth_disabled": "true"}, False),
        ({"jwt_secret": None}, True),
    ],
)
def test_authentication_is_off_only_on_a_local_machine(
    changed: dict[str, str | None], asks: bool
) -> None:
    assert _settings(**changed).requires_authentication is asks


def test_settings_never_show_a_secret() -> None:
    secrets = {
        name: f"hidden-{name}-0123456789abcdefghijklmnopqrstuv"
        for name, field in Settings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
    secrets["supabase_signing_key"] = (
        '{"kty": "EC", "crv": "P-256", "kid": "key-1", "d": "hidden-signing-key"}'
    )
    secrets["redis_url"] = "rediss://default:hidden-redis@redis.example"
    secrets["database_url"] = "postgresql://user:hidden-database@db.example/x"
    assert {"jwt_secret", "metrics_token", "redis_url"} <= secrets.keys()
    settings = _settings(**secrets)
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert "hidden" not in shown
    assert isinstance(settings.jwt_secret, SecretStr)

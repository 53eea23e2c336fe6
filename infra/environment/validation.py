"""Validate variables with the service's own settings and some additional checks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import ValidationError

from infra.environment.fly_settings import conflicting_faults
from infra.environment.function_settings import undelivered_faults
from infra.environment.secret_definitions import Target, required_secrets
from infra.environment.variables import (
    SETTING_NAMES,
    ignored_variable_warnings,
    unknown_variable_faults,
)
from shared.settings.connection_urls import SESSION_POOLER_PORT, pooler_port
from shared.settings.error_messages import fault_messages
from shared.settings.production import insecure_settings, production_faults
from shared.settings.settings import Settings
from shared.store.redis import RedisAddress


@dataclass
class Findings:
    """Faults keep the service from running; warnings are about allowed but risky values."""

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def validate(variables: dict[str, str], stage: str, target: Target) -> Findings:
    """Validate `variables`; `stage` is `local`, `staging` or `production`."""
    found = Findings(faults=[*unknown_variable_faults(set(variables)), *_url_faults(variables)])
    is_local = stage == "local"
    missing = [] if is_local else [s for s in required_secrets(target) if s.name not in variables]
    found.warnings += ignored_variable_warnings(set(variables))
    if target == "lambda" and not is_local:
        found.faults += undelivered_faults(variables)
    found.faults += [f"{s.name} is missing: it {s.meaning} ({s.how})" for s in missing]
    app_env = "local" if is_local else "production"
    given = {name.lower(): value for name, value in variables.items() if name in SETTING_NAMES}
    try:
        settings = Settings.model_validate(given | {"app_env": app_env})
    except ValidationError as error:
        found.faults += [
            w for w in fault_messages(error, Settings) if not any(s.name in w for s in missing)
        ]
        return found
    if not is_local:
        check = production_faults if target == "fly" else insecure_settings
        reported = " ".join(found.faults)
        found.faults += [f for f in check(settings) if f.split()[0] not in reported]
        found.warnings += _warnings(settings)
        found.faults += conflicting_faults(variables) if target == "fly" else []
        if target == "fly" and settings.trusted_proxy_hops == 0:
            found.warnings.append(
                "TRUSTED_PROXY_HOPS is 0: behind a proxy all callers share one address"
                " (fly.toml: 2)"
            )
    return found


def _url_faults(variables: dict[str, str]) -> Iterator[str]:
    """Malformed Redis URLs, and URLs that still contain the placeholder for the password."""
    try:
        RedisAddress.of(variables.get("REDIS_URL") or "redis://localhost")
    except ValueError as error:
        yield f"REDIS_URL {error}"
    for name in ("REDIS_URL", "DATABASE_URL"):
        if re.search(r"PASSWORD|\[[^\]]*\]@", variables.get(name, "")):
            yield f"{name} still contains the placeholder for the password"


def _warnings(settings: Settings) -> Iterator[str]:
    if settings.log_level == "DEBUG":
        yield "LOG_LEVEL=DEBUG writes many log lines"
    if settings.rate_limit_general == 0 or settings.rate_limit_switch == 0:
        yield "RATE_LIMIT_GENERAL or RATE_LIMIT_SWITCH is 0: this rate limit is off"
    if "*" in settings.cors_origins:
        yield "CORS_ORIGINS=* lets every web page call the API from a browser"
    if "*" in settings.embed_origins:
        yield "EMBED_ORIGINS=* lets every web page show /embed in a frame"
    if settings.recovery == "off":
        yield "RECOVERY=off: sessions that Redis loses are not restored"
    if settings.database_url and (
        pooler_port(settings.database_url.get_secret_value()) == SESSION_POOLER_PORT
    ):
        yield (
            "DATABASE_URL has the session pooler's port 5432: it admits 15 connections in small"
            " projects, and each machine takes up to 4; use port 6543"
        )
    if settings.redis_url and settings.redis_url.get_secret_value().startswith(
        ("redis://", "redis+sentinel://")
    ):
        yield "REDIS_URL doesn't begin with rediss: without TLS, use it in a private network only"

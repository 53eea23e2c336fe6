"""Whether the service could be run with some variables; the rules are the service's own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import ValidationError

from infra.environment.required import Target, required
from infra.environment.variables import KNOWN, ignored, unknown
from shared.production import faults_of, unsound_of
from shared.settings import Settings
from shared.settings_faults import sentences
from shared.store.redis import RedisAddress


@dataclass
class Findings:
    """What is wrong, and what merely should be looked at twice."""

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def validate(variables: dict[str, str], stage: str, target: Target) -> Findings:
    """Look at them as the service would; `stage` is `local`, `staging` or `production`."""
    found = Findings(faults=[*unknown(set(variables)), *_unlikely(variables)])
    is_local = stage == "local"
    missing = [] if is_local else [s for s in required(target) if s.name not in variables]
    found.warnings += ignored(set(variables))
    found.faults += [f"{s.name} is missing: it {_verb(s.meaning)} ({s.how})" for s in missing]
    app_env = "local" if is_local else "production"
    given = {name.lower(): value for name, value in variables.items() if name in KNOWN}
    try:
        settings = Settings.model_validate(given | {"app_env": app_env})
    except ValidationError as error:
        found.faults += [
            w for w in sentences(error, Settings) if not any(s.name in w for s in missing)
        ]
        return found
    if not is_local:
        judged = faults_of if target == "fly" else unsound_of
        told = " ".join(found.faults)
        found.faults += [f for f in judged(settings) if f.split()[0] not in told]
        found.warnings += _dangers(settings)
    return found


def _unlikely(variables: dict[str, str]) -> Iterator[str]:
    """Addresses that were copied, and not filled in, or from beside the right one."""
    try:
        RedisAddress.of(variables.get("REDIS_URL") or "redis://localhost")
    except ValueError as error:
        yield f"REDIS_URL {error}"
    for name in ("REDIS_URL", "DATABASE_URL"):
        if re.search(r"PASSWORD|\[[^\]]*\]@", variables.get(name, "")):
            yield f"{name} still says where the password goes"


def _verb(meaning: str) -> str:
    """The meaning as the end of a sentence that begins with `it`."""
    return f"says {meaning}" if meaning.startswith(("where", "what", "who")) else meaning


def _dangers(settings: Settings) -> Iterator[str]:
    """What is allowed, and rarely meant where the public is."""
    if settings.log_level == "DEBUG":
        yield "LOG_LEVEL=DEBUG writes a lot"
    if settings.rate_limit_general == 0 or settings.rate_limit_switch == 0:
        yield "RATE_LIMIT_GENERAL or RATE_LIMIT_SWITCH is 0: nobody is kept from asking too often"
    if "*" in settings.cors_origins:
        yield "CORS_ORIGINS=* lets every page call from a browser"
    if settings.recovery == "off":
        yield "RECOVERY=off: what Redis loses stays lost"
    if settings.redis_url and settings.redis_url.get_secret_value().startswith(
        ("redis://", "redis+sentinel://")
    ):
        yield "REDIS_URL doesn't begin with rediss: without TLS, unless the network is private"
    if settings.trusted_proxy_hops == 0:
        yield "TRUSTED_PROXY_HOPS is 0: behind a proxy all callers look like one (fly.toml sets it)"

"""Read variables from an env file (as Docker and Fly.io read it) or from the environment."""

import os
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values

from shared.settings.settings import Settings

SETTING_NAMES = frozenset(name.upper() for name in Settings.model_fields)
"""The environment variables of all settings of the service."""

_OTHERS = frozenset({"SYNCKAIROS_REVISION", "POSTGRES_PASSWORD"})
"""Variables of the image and of docker-compose.yml that are not settings."""

_OF_NODE = frozenset(
    {"NODE_ENV", "NODE_OPTIONS", "NODE_VERSION", "NPM_CONFIG_PRODUCTION", "SUPABASE_ANON_KEY"}
    | {"REDIS_TLS", "REDIS_PASSWORD", "DIRECT_URL", "PNPM_HOME", "YARN_VERSION", "TZ"}
)
"""Variables that deployments of Node services often set; this service ignores them."""

_PREFIXES = ("OTEL_", "FLY_", "AWS_")


class EnvFileError(Exception):
    """The file can't be read; the message says why."""


def read_variables(file: Path | None) -> dict[str, str]:
    """Return the non-empty variables of `file`, or the settings in the environment for None.

    Raises `EnvFileError`.
    """
    if file is None:
        return {name: os.environ[name] for name in SETTING_NAMES if os.environ.get(name)}
    try:
        found = dotenv_values(file, interpolate=False) if file.is_file() else None
    except (OSError, UnicodeDecodeError) as error:
        raise EnvFileError(f"{file} can't be read: {error}") from None
    if found is None:
        raise EnvFileError(f"There is no file {file}")
    return {name: value for name, value in found.items() if value}


def is_known(name: str) -> bool:
    """Return whether a deployment may have a variable of this name, for the service or others."""
    return name in SETTING_NAMES | _OTHERS | _OF_NODE or name.startswith(_PREFIXES)


def unknown_variable_faults(names: set[str]) -> list[str]:
    """Return a fault for each unknown name, with the most similar setting."""
    return [_fault(name) for name in sorted(names) if not is_known(name)]


def ignored_variable_warnings(names: set[str]) -> list[str]:
    """Return a warning for each variable of a Node service."""
    return [f"{name} is ignored" for name in sorted(names & _OF_NODE)]


def _fault(name: str) -> str:
    similar = get_close_matches(name, SETTING_NAMES, 1)
    return f"{name} is not a setting{f'; did you mean {similar[0]}?' if similar else ''}"

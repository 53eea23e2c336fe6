"""An environment to be looked at: a file as Docker and Fly read it, or our own."""

import os
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values

from shared.settings import Settings

KNOWN = frozenset(name.upper() for name in Settings.model_fields)
"""Every setting of the service."""

_OTHERS = frozenset({"SYNCKAIROS_REVISION", "POSTGRES_PASSWORD"})
"""What the image and docker-compose.yml go by beside them."""

_OF_NODE = frozenset(
    {"NODE_ENV", "NODE_OPTIONS", "NODE_VERSION", "NPM_CONFIG_PRODUCTION", "SUPABASE_ANON_KEY"}
    | {"REDIS_TLS", "REDIS_PASSWORD", "DIRECT_URL", "PNPM_HOME", "YARN_VERSION", "TZ"}
)
"""What deployments of services in Node set, and nothing here reads."""

_PREFIXES = ("OTEL_", "FLY_", "AWS_")


class FileFaulty(Exception):
    """The file can't be read; says why."""


def variables_of(file: Path | None) -> dict[str, str]:
    """What is set there, empty ones left out. Raises `FileFaulty`."""
    if file is None:
        return {name: os.environ[name] for name in KNOWN if os.environ.get(name)}
    try:
        found = dotenv_values(file, interpolate=False) if file.is_file() else None
    except (OSError, UnicodeDecodeError) as error:
        raise FileFaulty(f"{file} can't be read: {error}") from None
    if found is None:
        raise FileFaulty(f"There is no file {file}")
    return {name: value for name, value in found.items() if value}


def unknown(names: set[str]) -> list[str]:
    """Those that nobody goes by, with what was probably meant."""
    strange = sorted(
        name
        for name in names
        if name not in KNOWN | _OTHERS | _OF_NODE and not name.startswith(_PREFIXES)
    )
    return [_said(name) for name in strange]


def ignored(names: set[str]) -> list[str]:
    """Those of a service in Node, which do no harm and nothing else."""
    return [f"{name} is ignored" for name in sorted(names & _OF_NODE)]


def _said(name: str) -> str:
    meant = get_close_matches(name, KNOWN, 1)
    return f"{name} is no setting{f'; did you mean {meant[0]}?' if meant else ''}"

"""Runs `check-redis` and `check-postgres` and parses their results."""

import json
from typing import Any

from infra.checks import postgres, redis
from tests.support import commands
from tests.support.commands import CompletedScript

_MAINS = {"check-redis": redis.main, "check-postgres": postgres.main}


def run(script: str, **variables: str) -> CompletedScript:
    """Run a check command in this process, with these environment variables."""
    return commands.run_main(_MAINS[script], **variables)


def run_checks(script: str, *arguments: str, **variables: str) -> tuple[int, dict[str, Any]]:
    """Run a check command in this process; return its exit code and its checks by name."""
    return _read(commands.run_main(_MAINS[script], "--json", *arguments, **variables))


def checks_by_script(script: str, **variables: str) -> tuple[int, dict[str, Any]]:
    """Run a check command through its script; return its exit code and its checks by name."""
    return _read(commands.run_script(script, "--json", **variables))


def _read(result: CompletedScript) -> tuple[int, dict[str, Any]]:
    checks = json.loads(result.stdout)["checks"]
    return result.returncode, {check["name"]: check for check in checks}

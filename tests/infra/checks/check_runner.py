"""What the checks of Redis and Postgres find."""

import json
from typing import Any

from infra.checks import postgres, redis
from tests.support import commands
from tests.support.commands import CompletedScript

_MAINS = {"check-redis": redis.main, "check-postgres": postgres.main}


def run(script: str, **variables: str) -> CompletedScript:
    """A check with these variables, in this process."""
    return commands.run_main(_MAINS[script], **variables)


def found(script: str, **variables: str) -> tuple[int, dict[str, Any]]:
    """Its exit code, and what each of its checks says, by name."""
    return _read(commands.run_main(_MAINS[script], "--json", **variables))


def found_by_script(script: str, **variables: str) -> tuple[int, dict[str, Any]]:
    """The same by the script itself, as a person runs it."""
    return _read(commands.run_script(script, "--json", **variables))


def _read(ended: CompletedScript) -> tuple[int, dict[str, Any]]:
    checks = json.loads(ended.stdout)["checks"]
    return ended.returncode, {check["name"]: check for check in checks}

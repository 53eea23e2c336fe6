"""The checks as a person runs them."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from infra.environment.variables import KNOWN

_SCRIPTS = Path(__file__).parents[2] / "infra" / "scripts"


def run(script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A script with these variables alone, from a folder elsewhere."""
    others = {name: value for name, value in os.environ.items() if name not in KNOWN}
    return subprocess.run(
        [_SCRIPTS / script, *arguments],
        cwd="/",
        env=others | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def found(script: str, **variables: str) -> tuple[int, dict[str, Any]]:
    """Its exit code, and what each of its checks says, by name."""
    ended = run(script, "--json", **variables)
    checks = json.loads(ended.stdout)["checks"]
    return ended.returncode, {check["name"]: check for check in checks}

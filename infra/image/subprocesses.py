"""Run other programs of this machine."""

import os
import shutil
import subprocess
from pathlib import Path

from infra.image.image_errors import CannotBuildHere, ImageCheckFailed

_LAST_LINES = 15
_TIMEOUT_S = 600.0


def require_programs(*names: str) -> None:
    """Require these programs and root. Raises `CannotBuildHere`."""
    if missing := [name for name in names if shutil.which(name) is None]:
        raise CannotBuildHere(f"{' and '.join(missing)} not found: apt-get install buildah")
    if os.geteuid() != 0:
        raise CannotBuildHere("building without a container engine needs root")


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run `command`, return its output.

    Raises `ImageCheckFailed` with the last lines of its output.
    """
    try:
        result = subprocess.run(
            command,
            cwd=cwd,
            env=os.environ | (env or {}),
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_S,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        raise ImageCheckFailed(f"{_name(command)} takes longer than {_TIMEOUT_S:.0f} s") from None
    if result.returncode:
        last = "\n".join((result.stdout + result.stderr).strip().splitlines()[-_LAST_LINES:])
        raise ImageCheckFailed(f"{_name(command)} failed:\n{last}")
    return result.stdout


def _name(command: tuple[str | Path, ...]) -> str:
    return " ".join(map(str, command[:2]))

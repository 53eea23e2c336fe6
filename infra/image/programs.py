"""Programs of this machine, run to their end."""

import os
import shutil
import subprocess
from pathlib import Path

from infra.image.failure import CannotBuildHere, ImageFailed

_LAST_LINES = 15
_TIMEOUT_S = 600.0


def require(*names: str) -> None:
    """Raises `CannotBuildHere` where one of the programs, or root, is missing."""
    if missing := [name for name in names if shutil.which(name) is None]:
        raise CannotBuildHere(f"{' and '.join(missing)} not found: apt-get install buildah")
    if os.geteuid() != 0:
        raise CannotBuildHere("only root can build without a container engine")


def output(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """What `command` prints. Raises `ImageFailed` with its last words when it fails."""
    try:
        ran = subprocess.run(
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
        raise ImageFailed(f"{_named(command)} takes longer than {_TIMEOUT_S:.0f} s") from None
    if ran.returncode:
        said = "\n".join((ran.stdout + ran.stderr).strip().splitlines()[-_LAST_LINES:])
        raise ImageFailed(f"{_named(command)} failed:\n{said}")
    return ran.stdout


def _named(command: tuple[str | Path, ...]) -> str:
    return " ".join(map(str, command[:2]))

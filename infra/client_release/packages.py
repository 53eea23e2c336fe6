"""Build and check the packages; each is built from a copy of its folder, with the licence."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from infra.local.npm import NpmError, npm_install
from shared import VERSION

_TOOLS = Path(__file__).parent
_TIMEOUT_S = 300


class ReleaseCheckFailed(Exception):
    """A package can't be built, or a check has found a fault; the message has the tool's output."""


def build_javascript(root: Path, target: Path) -> Path:
    """Pack `clients/js` into `target` and return the archive. Raises `ReleaseCheckFailed`."""
    with tempfile.TemporaryDirectory() as name:
        source = _copy_with_license(root, "js", Path(name))
        _run(["npm", "pack", "--silent", "--pack-destination", str(target)], source)
    return _built(target, "tgz")


def check_javascript(archive: Path) -> None:
    """Check the archive's exports and types. Raises `ReleaseCheckFailed`.

    The package has ECMAScript modules only, so it isn't checked for `require`.
    """
    try:
        npm_install(_TOOLS)
    except NpmError as error:
        raise ReleaseCheckFailed(str(error)) from None
    programs = _TOOLS / "node_modules" / ".bin"
    _run([str(programs / "publint"), "run", "--strict", str(archive)], _TOOLS)
    _run([str(programs / "attw"), str(archive), "--profile", "esm-only"], _TOOLS)


def build_python(root: Path, target: Path) -> list[Path]:
    """Build `clients/python` into `target`; return the wheel and the source archive.

    Raises `ReleaseCheckFailed`.
    """
    with tempfile.TemporaryDirectory() as name:
        source = _copy_with_license(root, "python", Path(name))
        _run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target)], source)
    return [_built(target, "whl"), _built(target, "tar.gz")]


def check_python(distributions: Sequence[Path]) -> None:
    """Check the metadata and the description of each distribution. Raises `ReleaseCheckFailed`."""
    files = [str(file) for file in distributions]
    _run([sys.executable, "-m", "twine", "check", "--strict", *files], _TOOLS)


def _copy_with_license(root: Path, client: str, folder: Path) -> Path:
    unwanted = shutil.ignore_patterns("node_modules", "tests", "__pycache__")
    source = shutil.copytree(root / "clients" / client, folder / client, ignore=unwanted)
    shutil.copy(root / "LICENSE", source)
    return source


def _built(target: Path, ending: str) -> Path:
    """Return the only file with that ending; its name must have the service's version."""
    (file,) = target.glob(f"*.{ending}")
    if not file.name.startswith((f"synckairos-{VERSION}-", f"synckairos-{VERSION}.{ending}")):
        raise ReleaseCheckFailed(f"{file.name} was built, but the version is {VERSION}")
    return file


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        finished = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_S
        )
    except OSError as error:
        raise ReleaseCheckFailed(f"{command[0]} can't be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise ReleaseCheckFailed(f"{command[0]} took longer than {_TIMEOUT_S} s") from None
    if finished.returncode:
        raise ReleaseCheckFailed(f"{finished.stdout}{finished.stderr}".strip())

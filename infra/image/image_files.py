"""Check and measure the files of an image."""

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MB = 1_000_000
_BYTECODE_UNCHECKED = 0b01
_PROGRAMS = {
    *("sh", "ash", "bash", "dash", "zsh", "busybox"),
    *("apt", "apt-get", "dpkg", "pip", "pip3", "python3-pip", "perl", "curl", "wget"),
}
_UNWANTED = {"node_modules", "tests", ".git", ".env", ".venv", ".build"}
_WRITABLE = ("tmp", "home/nonroot", "dev", "proc", "sys", "run", "var")
"""Folders that may be writable, or that the container runtime provides."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of the uncompressed files in MB (millions of bytes); `ours` is the application."""

    base: float
    packages: float
    ours: float

    @property
    def total(self) -> float:
        """Size of the whole image in MB."""
        return self.base + self.packages + self.ours


def measure_sizes(root: Path) -> Sizes:
    """Measure the image whose files are under `root`."""
    packages, ours = _bytes(root / "packages"), _bytes(root / "app")
    return Sizes((_bytes(root) - packages - ours) / _MB, packages / _MB, ours / _MB)


def find_faults(root: Path, user: int, lock: str) -> Iterator[str]:
    """Yield files that shouldn't be in the image or have wrong rights; `lock` is the lock file."""
    for folder in ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "programs"):
        for path in (root / folder).glob("*"):
            if path.name in _PROGRAMS:
                yield f"/{folder}/{path.name}: the service doesn't need this program"
    for path in (root / "app").rglob("*"):
        if path.name in _UNWANTED or path.name.startswith(".env"):
            yield f"/{path.relative_to(root)} doesn't belong in the image"
    yield from _unlocked_packages(lock, root / "packages")
    yield from _without_bytecode(root / "app")
    yield from _writable(root, user)


def locked_packages(lock: str) -> set[str]:
    """Return the normalised names of the packages in a lock file."""
    return {_normal(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}


def _unlocked_packages(lock: str, folder: Path) -> Iterator[str]:
    installed = {_normal(path.name.partition("-")[0]) for path in folder.glob("*.dist-info")}
    if not installed:
        yield "/packages: nothing is installed"
    for name in sorted(installed - locked_packages(lock)):
        yield f"/packages: {name} is not in infra/image/requirements.txt"


def _without_bytecode(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.py"):
        compiled = path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc"
        flags = compiled.read_bytes()[4:8] if compiled.exists() else b""
        if int.from_bytes(flags, "little") & _BYTECODE_UNCHECKED == 0:
            yield f"/{path.relative_to(folder.parent)} is not compiled with unchecked-hash"


def _writable(root: Path, user: int) -> Iterator[str]:
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        if name.startswith(_WRITABLE) or path.is_symlink():
            continue
        status = path.lstat()
        if status.st_uid == user or status.st_mode & stat.S_IWOTH:
            yield f"/{name} is writable for the service"


def _bytes(folder: Path) -> int:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.lstat().st_size for path in files)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

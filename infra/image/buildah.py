"""Run buildah with a separate image store under `.build/image`."""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from infra.image.image_errors import ImageCheckFailed
from infra.image.subprocesses import run

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".build" / "image"
_DRIVERS = ("overlay", "vfs")
_MAX_BYTES = 4_000_000_000
_CONFIGURATION = """\
[storage]
driver = "{driver}"
runroot = "{folder}/run"
graphroot = "{folder}/{driver}"
"""


def buildah(*arguments: str | Path, cwd: Path = ROOT) -> str:
    """Run one buildah command and return its output. Raises `ImageCheckFailed`."""
    return run("buildah", *arguments, cwd=cwd, env=buildah_environment()).strip()


@contextmanager
def locked_store() -> Iterator[None]:
    """Lock the store until the end of the block; wait if another process has it.

    Removes left-over containers, or the whole store if it exceeds 4 GB.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        files = (path.lstat() for path in FOLDER.rglob("*") if not path.is_symlink())
        if sum(status.st_blocks * 512 for status in files) > _MAX_BYTES:
            for driver in _DRIVERS:
                shutil.rmtree(FOLDER / driver, ignore_errors=True)
        else:
            buildah("rm", "--all")
        yield


@cache
def buildah_environment() -> dict[str, str]:
    """Return the variables for the separate store, with overlayfs if the kernel supports it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    overlay, vfs = map(_environment, _DRIVERS)
    try:
        run("buildah", "info", env=overlay)
    except ImageCheckFailed:
        return vfs
    return overlay


def _environment(driver: str) -> dict[str, str]:
    file = FOLDER / f"{driver}.conf"
    file.write_text(_CONFIGURATION.format(driver=driver, folder=FOLDER))
    return {"CONTAINERS_STORAGE_CONF": str(file), "BUILDAH_ISOLATION": "chroot"}


def exists(image: str) -> bool:
    """Return whether the store has `image`."""
    try:
        buildah("inspect", "--type", "image", image)
    except ImageCheckFailed:
        return False
    return True


def docker_config(image: str) -> dict[str, Any]:
    """Return the image's Docker configuration: `Cmd`, `User`, `Healthcheck`, ..."""
    inspected = json.loads(buildah("inspect", "--type", "image", image))
    return dict(inspected["Docker"]["config"])


@contextmanager
def container(image: str) -> Iterator[str]:
    """Create a container of `image`; remove it at the end of the block."""
    name = buildah("from", "--pull-never", image)
    try:
        yield name
    finally:
        buildah("rm", name)


@contextmanager
def mounted(name: str) -> Iterator[Path]:
    """Mount the file system of container `name` until the end of the block."""
    try:
        yield Path(buildah("mount", name))
    finally:
        buildah("umount", name)

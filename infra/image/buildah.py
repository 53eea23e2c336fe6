"""buildah with a store of its own under `.build/image`, apart from any other on this machine."""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from infra.image.failure import ImageFailed
from infra.image.programs import output

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".build" / "image"
_DRIVERS = ("overlay", "vfs")
_MOST_BYTES = 4_000_000_000
_CONFIGURATION = """\
[storage]
driver = "{driver}"
runroot = "{folder}/run"
graphroot = "{folder}/{driver}"
"""


def buildah(*arguments: str | Path, cwd: Path = ROOT) -> str:
    """What one command of buildah prints. Raises `ImageFailed`."""
    return output("buildah", *arguments, cwd=cwd, env=environment()).strip()


@contextmanager
def alone() -> Iterator[None]:
    """The store to ourselves, to the end of the block; who comes second waits.

    What was built before stays, until it has become too much.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        files = (path.lstat() for path in FOLDER.rglob("*") if not path.is_symlink())
        if sum(status.st_blocks * 512 for status in files) > _MOST_BYTES:
            for driver in _DRIVERS:
                shutil.rmtree(FOLDER / driver, ignore_errors=True)
        else:
            buildah("rm", "--all")
        yield


@cache
def environment() -> dict[str, str]:
    """What makes buildah use our store, without a daemon: on overlays where the kernel has them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    preferred, other = map(_with, _DRIVERS)
    try:
        output("buildah", "info", env=preferred)
    except ImageFailed:
        return other
    return preferred


def _with(driver: str) -> dict[str, str]:
    file = FOLDER / f"{driver}.conf"
    file.write_text(_CONFIGURATION.format(driver=driver, folder=FOLDER))
    return {"CONTAINERS_STORAGE_CONF": str(file), "BUILDAH_ISOLATION": "chroot"}


def exists(image: str) -> bool:
    """Whether the store has `image`."""
    try:
        buildah("inspect", "--type", "image", image)
    except ImageFailed:
        return False
    return True


def config(image: str) -> dict[str, Any]:
    """How containers of `image` are run, in Docker's words: `Cmd`, `User`, `Healthcheck`, ..."""
    inspected = json.loads(buildah("inspect", "--type", "image", image))
    return dict(inspected["Docker"]["config"])


@contextmanager
def container(image: str) -> Iterator[str]:
    """A container of `image`, which is removed at the end of the block."""
    name = buildah("from", "--pull-never", image)
    try:
        yield name
    finally:
        buildah("rm", name)


@contextmanager
def mounted(name: str) -> Iterator[Path]:
    """The file system of the container `name`."""
    try:
        yield Path(buildah("mount", name))
    finally:
        buildah("umount", name)

"""Packages of Node's, for what is written for Node."""

import os
import shutil
import subprocess
from fcntl import LOCK_EX, flock
from pathlib import Path


class NpmFailed(Exception):
    """What a lock file lists can't be installed; the message says why, as far as it is known."""


def can_run() -> bool:
    """Whether Node is at hand."""
    return shutil.which("node") is not None and shutil.which("npm") is not None


def install(folder: Path) -> None:
    """What the `package-lock.json` of `folder` lists, once; two who ask at the same time don't
    collide. No package runs anything meanwhile. Raises `NpmFailed`."""
    with (folder / "package-lock.json").open() as lock:
        flock(lock, LOCK_EX)
        marker = folder / "node_modules" / ".package-lock.json"
        if marker.exists() and marker.stat().st_mtime >= os.fstat(lock.fileno()).st_mtime:
            return
        command = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        ran = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        if ran.returncode:
            raise NpmFailed(f"npm ci failed: {ran.stderr.decode(errors='replace')}")
        marker.touch()

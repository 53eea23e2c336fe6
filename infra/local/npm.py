"""Installs npm packages."""

import os
import shutil
import subprocess
from fcntl import LOCK_EX, flock
from pathlib import Path


class NpmError(Exception):
    """The packages can't be installed. The message names the folder and has npm's error output."""


def is_node_installed() -> bool:
    """Return whether Node and npm are installed."""
    return shutil.which("node") is not None and shutil.which("npm") is not None


def npm_install(folder: Path) -> None:
    """Install the packages of `folder`'s `package-lock.json`, unless they are up to date.

    A file lock makes parallel calls safe. Install scripts of packages don't run. Raises
    `NpmError`.
    """
    with (folder / "package-lock.json").open() as lock:
        flock(lock, LOCK_EX)
        marker = folder / "node_modules" / ".package-lock.json"
        if marker.exists() and marker.stat().st_mtime >= os.fstat(lock.fileno()).st_mtime:
            return
        command = ["npm", "ci", "--loglevel=error", "--no-audit", "--no-fund", "--ignore-scripts"]
        finished = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        if finished.returncode:
            output = finished.stderr.decode(errors="replace").strip()
            raise NpmError(
                f"npm ci failed in {folder}, whose node_modules are missing or older than its"
                f" package-lock.json: {output}"
            )
        marker.touch()

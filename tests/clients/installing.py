"""Installs the JavaScript library in an application, as it is published."""

import os
import subprocess
from pathlib import Path

from infra.local.npm import npm_install

LIBRARY = Path(__file__).parents[2] / "clients" / "js"
BUNDLERS = Path(__file__).parent / "bundlers"
"""The bundlers and runtimes, and the applications that tests build and run with them."""


def install_library(application: Path) -> Path:
    """Unpack the packed library in `node_modules`; install bundlers and runtimes for the tests.

    Returns the library's folder.
    """
    npm_install(BUNDLERS)
    packages = application / "node_modules"
    packages.mkdir(exist_ok=True)
    run("npm", "pack", "--silent", "--pack-destination", str(packages), within=LIBRARY)
    (archive,) = packages.glob("*.tgz")
    run("tar", "--extract", "--file", str(archive), within=packages)
    archive.unlink()
    return (packages / "package").rename(packages / "synckairos")


def run(*command: str, within: Path, **environment: str) -> str:
    """Run a command in a folder; return what it prints. It sends no telemetry."""
    settings = os.environ | {"NO_COLOR": "1", "NEXT_TELEMETRY_DISABLED": "1"} | environment
    ran = subprocess.run(
        command, cwd=within, env=settings, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout

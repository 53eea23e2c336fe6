"""The checks of the image, one function each; all raise `ImageCheckFailed`."""

import time
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex

from infra.console.build import console_faults
from infra.image import image_files
from infra.image.build import IMAGE, compressed_bytes, revision, version
from infra.image.buildah import ROOT, container, docker_config, mounted
from infra.image.image_container import ImageContainer
from infra.image.image_errors import ImageCheckFailed

MAX_MB = 160.0
_LABEL = "org.opencontainers.image."
_RELEASE = ("python3", "-m", "infra.migrate")
_MAX_SHOWN = 20

PrintLine = Callable[[str], None]
"""Prints a line about a finding."""


def check_configuration(tell: PrintLine) -> None:
    """Check labels, user, stop signal, health check and entry point."""
    found = docker_config(IMAGE)
    labels = found["Labels"] or {}
    _require(labels.get(f"{_LABEL}version") == version(), f"Labels lack the version: {labels}")
    _require(labels.get(f"{_LABEL}revision") == revision(), f"Labels lack the revision: {labels}")
    _require(found["StopSignal"] == "SIGTERM", f"STOPSIGNAL is {found['StopSignal']}")
    _require(found["Healthcheck"]["Test"][0] == "CMD", "HEALTHCHECK needs a shell")
    _require(not found["Entrypoint"], "ENTRYPOINT is set: it would prefix the release command")
    _require(_user() != 0, "The image's user is root")
    tell(f"version {version()}, user {_user()}, stopped by SIGTERM, HEALTHCHECK without a shell")


def check_files(tell: PrintLine) -> None:
    """Check that the image holds only what it should, nothing writable, and isn't too large."""
    lock = (ROOT / "infra/image/requirements.txt").read_text()
    with container(IMAGE) as name, mounted(name) as root:
        found = [
            *image_files.find_faults(root, _user(), lock),
            *console_faults(root / "app/clients/console"),
        ]
        size = image_files.measure_sizes(root)
    _require(not found, "\n".join(found[:_MAX_SHOWN]))
    tell("no shell, no package manager, no tests; no file is writable for the service")
    tell("the console is built, and names its files with their versions")
    tell(
        f"{size.total:.0f} MB: stand-in base {size.base:.0f}, packages {size.packages:.0f},"
        f" application {size.ours:.1f}"
    )
    _require(size.total < MAX_MB, f"{size.total:.1f} MB is too large: the limit is {MAX_MB:.0f} MB")


def report_compressed_size(tell: PrintLine) -> None:
    """Report the size of the compressed layers."""
    tell(f"{compressed_bytes() / 1_000_000:.0f} MB to pull")


def check_running(redis_url: str, postgres_url: str, tell: PrintLine) -> None:
    """Run the image's commands in the order of a release: migrate, serve, stop."""
    settings = {
        "REDIS_URL": redis_url,
        "DATABASE_URL": postgres_url,
        "JWT_SECRET": token_hex(32),
        "DRAIN_S": "1",
    }
    with container(IMAGE) as name:
        code, text = ImageContainer(IMAGE, name, {}).run_default_command()
        _require(code != 0 and "JWT_SECRET" in text, f"The service starts without secrets: {text}")
        tell("without its secrets the service doesn't start, and names the missing ones")
        trial = ImageContainer(IMAGE, name, settings)
        code, text = trial.run(*_RELEASE)
        _require(code == 0 and "applied" in text, f"The release command failed: {text}")
        tell(f"{' '.join(_RELEASE)}: {text.count('applied')} migrations")
        _require(trial.run("/bin/sh", "-c", "true")[0] != 0, "There is a shell")
        _require(not trial.is_healthy(), "HEALTHCHECK passes before the service is started")
        _serve(trial, tell)
        _require(not trial.is_healthy(), "HEALTHCHECK passes after the service has stopped")


def _serve(trial: ImageContainer, tell: PrintLine) -> None:
    started = time.monotonic()
    with trial.serving() as pid:
        tell(f"/health answers {time.monotonic() - started:.1f} s after the start")
        ready = trial.ask("/ready")
        expected = {"status": "ready", "checks": {"redis": "up", "audit": "up"}}
        _require(ready == (200, expected), f"/ready answers {ready}")
        _require(trial.is_healthy(), "HEALTHCHECK fails although the service answers")
        owner = Path(f"/proc/{pid}").stat().st_uid
        _require(owner == _user(), f"The process runs as user {owner}")
        tell(f"ready with Redis and Postgres, healthy, running as user {owner}")
        tell(f"stopped {trial.end(pid):.1f} s after SIGTERM (1 s of it to drain)")


def _user() -> int:
    name = str(docker_config(IMAGE)["User"]).partition(":")[0]
    _require(name.isdigit(), f"USER must be a number (runAsNonRoot needs one): {name!r}")
    return int(name)


def _require(condition: bool, error: str) -> None:
    if not condition:
        raise ImageCheckFailed(error)

"""What the image has to prove, one function for each."""

import time
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex

from infra.image import contents
from infra.image.build import IMAGE, compressed_bytes, revision, version
from infra.image.buildah import ROOT, config, container, mounted
from infra.image.failure import ImageFailed
from infra.image.trial import Trial

MOST_MB = 150.0
_LABEL = "org.opencontainers.image."
_RELEASE = ("python3", "-m", "infra.migrate")
_FIRST_FEW = 20

Tell = Callable[[str], None]
"""Takes a line about what was found."""


def configuration(tell: Tell) -> None:
    """How it says it wants to be run. Raises `ImageFailed`, as all of these."""
    said = config(IMAGE)
    labels = said["Labels"] or {}
    _require(labels.get(f"{_LABEL}version") == version(), f"Labels lack the version: {labels}")
    _require(labels.get(f"{_LABEL}revision") == revision(), f"Labels lack the revision: {labels}")
    _require(said["StopSignal"] == "SIGTERM", f"STOPSIGNAL is {said['StopSignal']}")
    _require(said["Healthcheck"]["Test"][0] == "CMD", "HEALTHCHECK needs a shell")
    _require(not said["Entrypoint"], "ENTRYPOINT stands before a release command")
    _require(_user() != 0, "It runs as root")
    tell(f"version {version()}, user {_user()}, ended by SIGTERM, HEALTHCHECK without a shell")


def files(tell: Tell) -> None:
    """What it is made of: only what is meant, and none of it the service's to change."""
    lock = (ROOT / "infra/image/requirements.txt").read_text()
    with container(IMAGE) as name, mounted(name) as root:
        found = list(contents.faults(root, _user(), lock))
        size = contents.sizes(root)
    _require(not found, "\n".join(found[:_FIRST_FEW]))
    tell("no shell, no package manager, no tests; nothing that the service can write")
    tell(
        f"{size.total:.0f} MB: stand-in base {size.base:.0f}, packages {size.packages:.0f},"
        f" ours {size.ours:.1f}"
    )
    _require(size.total < MOST_MB, f"{size.total:.1f} MB is too large: under {MOST_MB:.0f} MB")


def compressed(tell: Tell) -> None:
    """What is pulled."""
    tell(f"{compressed_bytes() / 1_000_000:.0f} MB to pull")


def work(redis_url: str, postgres_url: str, tell: Tell) -> None:
    """Its commands in the order of a release: migrate, serve, be asked, end."""
    settings = {
        "REDIS_URL": redis_url,
        "DATABASE_URL": postgres_url,
        "JWT_SECRET": token_hex(32),
        "DRAIN_S": "1",
    }
    with container(IMAGE) as name:
        code, said = Trial(IMAGE, name, {}).run_own()
        _require(code != 0 and "JWT_SECRET" in said, f"It starts without its secrets: {said}")
        tell("without its secrets it doesn't start, and says which it lacks")
        trial = Trial(IMAGE, name, settings)
        code, said = trial.run(*_RELEASE)
        _require(code == 0 and "applied" in said, f"The release command failed: {said}")
        tell(f"{' '.join(_RELEASE)}: {said.count('applied')} migrations")
        _require(trial.run("/bin/sh", "-c", "true")[0] != 0, "There is a shell")
        _require(not trial.is_healthy(), "HEALTHCHECK is content with nobody there")
        _serve(trial, tell)
        _require(not trial.is_healthy(), "HEALTHCHECK is content with a service that ended")


def _serve(trial: Trial, tell: Tell) -> None:
    began = time.monotonic()
    with trial.serving() as pid:
        tell(f"/health answers {time.monotonic() - began:.1f} s after the start")
        ready = trial.ask("/ready")
        wanted = {"status": "ready", "checks": {"redis": "up", "audit": "up"}}
        _require(ready == (200, wanted), f"/ready answers {ready}")
        _require(trial.is_healthy(), "HEALTHCHECK fails though the service answers")
        owner = Path(f"/proc/{pid}").stat().st_uid
        _require(owner == _user(), f"The process is of user {owner}")
        tell(f"ready with Redis and Postgres, healthy, its process of user {owner}")
        tell(f"SIGTERM: stopping, then gone after {trial.end(pid):.1f} s (1 s of it to drain)")


def _user() -> int:
    name = str(config(IMAGE)["User"]).partition(":")[0]
    _require(name.isdigit(), f"USER must be a number, for whoever checks it: {name!r}")
    return int(name)


def _require(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise ImageFailed(otherwise)

"""Preconditions of a release: if one isn't met, the release is refused and nothing is changed."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from infra.deployment.deadline import Deadline
from infra.deployment.fly import FlyApp
from infra.deployment.pinned_images import pinned_base_images
from infra.deployment.progress import ProgressReporter
from infra.deployment.release_errors import ReleaseRefused, ReleaseStepFailed
from infra.deployment.subprocesses import ROOT, run
from infra.environment.secret_definitions import required_secrets

_SCRIPTS = ROOT / "infra" / "scripts"
_STORES = {"REDIS_URL": "check-redis", "DATABASE_URL": "check-postgres"}

_TESTS_S = 3600.0

TESTED = ROOT / ".build" / "tested"
"""Holds the commit whose tests passed last; written by `make test-all`."""


@dataclass(frozen=True, slots=True)
class ReleaseRequirements:
    """The requirements on the checked-out commit."""

    stage: str
    tests: str
    """`recorded`: the tests must have passed for this commit; `run`: run them now; `skip`."""


def require_smoke_test_credentials() -> None:
    """Require what the final smoke test authenticates with. Raises `ReleaseRefused`."""
    if not (os.environ.get("SMOKE_TOKEN") or os.environ.get("JWT_SECRET")):
        raise ReleaseRefused(
            "Neither JWT_SECRET nor SMOKE_TOKEN is in the environment: the smoke test needs one"
        )


def require_releasable_commit(demands: ReleaseRequirements, tell: ProgressReporter) -> None:
    """Check the checked-out commit. Raises `ReleaseRefused`."""
    deadline = Deadline(_TESTS_S)
    _check(tell, "clean tree", lambda: _require_clean(deadline))
    _check(tell, "tests", lambda: _require_tested(deadline, demands))
    _check(tell, "image", lambda: _require_pinned(demands.stage))


def require_ready_app(fly: FlyApp, stage: str, tell: ProgressReporter) -> None:
    """Check the app, its secrets and its stores, which no other stage may use.

    Raises `ReleaseRefused`.
    """
    _check(tell, f"app {fly.app}", lambda: _require_app(fly))
    _check(tell, "secrets", lambda: _require_secrets(fly))
    for name, script in _STORES.items():
        arguments = ["--stage", stage] if name == "REDIS_URL" else []
        _check(tell, name, partial(_require_store, fly, name, [script, *arguments]))


def _check(tell: ProgressReporter, name: str, check: Callable[[], None]) -> None:
    try:
        with tell.step(name):
            check()
    except ReleaseStepFailed as failure:
        raise ReleaseRefused(str(failure)) from None


def _require_clean(deadline: Deadline) -> None:
    if changed := run(["git", "status", "--porcelain"], deadline):
        first = changed.splitlines()[0].strip()
        raise ReleaseRefused(f"There are uncommitted changes: git status shows {first}")


def _require_tested(deadline: Deadline, demands: ReleaseRequirements) -> None:
    if demands.tests == "skip":
        if demands.stage == "production":
            raise ReleaseRefused("--tests skip is not allowed for production.")
        return
    if demands.tests == "run":
        run(["make", "lint", "test-all"], deadline)
        return
    head = run(["git", "rev-parse", "HEAD"], deadline).strip()
    tested = TESTED.read_text().strip() if TESTED.exists() else "none"
    if tested != head:
        raise ReleaseRefused(
            f"This commit ({head[:9]}) is not the one whose tests passed last ({tested[:9]}):"
            " run make test-all, or deploy with --tests run"
        )


def _require_pinned(stage: str) -> None:
    if stage == "production" and not pinned_base_images():
        raise ReleaseRefused(
            "The base images are not pinned: run infra/image/pin and commit bases.env"
        )


def _require_app(fly: FlyApp) -> None:
    if not fly.exists():
        raise ReleaseRefused(f"The app doesn't exist: flyctl apps create {fly.app}")


def _require_secrets(fly: FlyApp) -> None:
    present = fly.secrets()
    if missing := [s.name for s in required_secrets("fly") if s.name not in present]:
        raise ReleaseRefused(
            f"Missing secrets: {', '.join(missing)}. Set them with infra/scripts/secrets {fly.app}"
        )


def _require_store(fly: FlyApp, name: str, command: Sequence[str]) -> None:
    """Check the store that the app will use, from this machine."""
    script, *arguments = command
    if not os.environ.get(name):
        raise ReleaseRefused(f"{name} is not in the environment: {script} needs it")
    run([str(_SCRIPTS / script), *arguments], fly.deadline)

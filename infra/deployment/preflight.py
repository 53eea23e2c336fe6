"""What must hold before a release: else it is refused, and nothing is changed."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from infra.deployment.bases import pinned_bases
from infra.deployment.clock import Deadline
from infra.deployment.failure import Refused, ReleaseFailed
from infra.deployment.fly import Fly
from infra.deployment.programs import ROOT, output
from infra.deployment.telling import Teller
from infra.environment.required import required

_SCRIPTS = ROOT / "infra" / "scripts"
_STORES = {"REDIS_URL": "check-redis", "DATABASE_URL": "check-postgres"}

_TESTS_S = 3600.0

TESTED = ROOT / ".build" / "tested"
"""Holds the commit whose tests passed last: `make test` writes it."""


@dataclass(frozen=True, slots=True)
class Demands:
    """How much is asked for."""

    stage: str
    tests: str
    """`recorded`: those of this commit have passed; `run`: they are run now; `skip`."""


def require_token() -> None:
    """The smoke test at the end must be let in. Raises `Refused`."""
    if not (os.environ.get("SMOKE_TOKEN") or os.environ.get("JWT_SECRET")):
        raise Refused(
            "JWT_SECRET or SMOKE_TOKEN is not in the environment: the smoke test needs it"
        )


def require_sound(demands: Demands, tell: Teller) -> None:
    """Look at what is checked out. Raises `Refused`."""
    here = Deadline(_TESTS_S)
    _look(tell, "clean tree", lambda: _require_clean(here))
    _look(tell, "tests", lambda: _require_tested(here, demands))
    _look(tell, "image", lambda: _require_pinned(demands.stage))


def require_ready(fly: Fly, tell: Teller) -> None:
    """Look at where it is to go. Raises `Refused`."""
    _look(tell, f"app {fly.app}", lambda: _require_app(fly))
    _look(tell, "secrets", lambda: _require_secrets(fly))
    for name, script in _STORES.items():
        _look(tell, name, partial(_require_reachable, fly, name, script))


def _look(tell: Teller, name: str, look: Callable[[], None]) -> None:
    try:
        with tell.step(name):
            look()
    except ReleaseFailed as failure:
        raise Refused(str(failure)) from None


def _require_clean(here: Deadline) -> None:
    if changed := output(["git", "status", "--porcelain"], here):
        first = changed.splitlines()[0].strip()
        raise Refused(f"What is released must be committed: git status shows {first}")


def _require_tested(here: Deadline, demands: Demands) -> None:
    if demands.tests == "skip":
        if demands.stage == "production":
            raise Refused("Production gets nothing untested: --tests skip is for other stages.")
        return
    if demands.tests == "run":
        output(["make", "lint", "test"], here)
        return
    head = output(["git", "rev-parse", "HEAD"], here).strip()
    tested = TESTED.read_text().strip() if TESTED.exists() else "none"
    if tested != head:
        raise Refused(
            f"This commit ({head[:9]}) is not the one that was tested last ({tested[:9]}):"
            " run make test, or deploy with --tests run"
        )


def _require_pinned(stage: str) -> None:
    if stage == "production" and not pinned_bases():
        raise Refused("The image's bases are not pinned: run infra/image/pin, and commit")


def _require_app(fly: Fly) -> None:
    if not fly.exists():
        raise Refused(f"There is no such app: flyctl apps create {fly.app}")


def _require_secrets(fly: Fly) -> None:
    present = fly.secrets()
    if missing := [s.name for s in required("fly") if s.name not in present]:
        raise Refused(
            f"{', '.join(missing)} not set: infra/scripts/secrets {fly.app} sets what is missing"
        )


def _require_reachable(fly: Fly, name: str, script: str) -> None:
    """The same store that the app will use, seen from here."""
    if not os.environ.get(name):
        raise Refused(f"{name} is not in the environment: {script} needs it to look there")
    output([str(_SCRIPTS / script)], fly.deadline)

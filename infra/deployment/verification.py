"""Verify a deployment: health of the machines and a smoke test."""

import time

from infra.deployment.fly import FlyApp
from infra.deployment.progress import ProgressReporter
from infra.deployment.release_errors import ReleaseStepFailed
from infra.deployment.subprocesses import ROOT, run

_SMOKE = ROOT / "infra" / "scripts" / "smoke.sh"


def wait_until_healthy(fly: FlyApp, tell: ProgressReporter, poll_s: float) -> None:
    """Wait until every machine passes all of its checks. Raises `ReleaseStepFailed`."""
    with tell.step("health of every machine"):
        faults: list[str] = []
        try:
            while faults := fly.unhealthy():
                tell.note(faults[0])
                time.sleep(min(poll_s, fly.deadline.left_s))
        except ReleaseStepFailed as failure:
            raise ReleaseStepFailed(f"{failure}; {'; '.join(faults[:5])}") from None


def run_smoke_test(fly: FlyApp, tell: ProgressReporter) -> None:
    """Run the smoke test against the public URL. Raises `ReleaseStepFailed`."""
    with tell.step("smoke test"):
        run([str(_SMOKE), fly.address()], fly.deadline)

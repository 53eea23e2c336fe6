"""Verify a deployment: health of the machines and a smoke test."""

import time

from infra.deployment.failure import ReleaseFailed
from infra.deployment.fly import Fly
from infra.deployment.programs import ROOT, output
from infra.deployment.telling import Teller

_SMOKE = ROOT / "infra" / "scripts" / "smoke.sh"


def require_healthy(fly: Fly, tell: Teller, poll_s: float) -> None:
    """Wait until every machine passes all of its checks. Raises `ReleaseFailed`."""
    with tell.step("health of every machine"):
        faults: list[str] = []
        try:
            while faults := fly.unhealthy():
                tell.note(faults[0])
                time.sleep(min(poll_s, fly.deadline.left_s))
        except ReleaseFailed as failure:
            raise ReleaseFailed(f"{failure}; {'; '.join(faults[:5])}") from None


def require_working(fly: Fly, tell: Teller) -> None:
    """Run the smoke test against the public URL. Raises `ReleaseFailed`."""
    with tell.step("smoke test"):
        output([str(_SMOKE), fly.address()], fly.deadline)

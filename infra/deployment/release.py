"""Deploy a release, verify it, and roll it back if it fails."""

from infra.deployment.deadline import Deadline
from infra.deployment.fly import FlyApp, Release
from infra.deployment.pinned_images import pinned_base_images
from infra.deployment.preflight import (
    ReleaseRequirements,
    require_ready_app,
    require_releasable_commit,
    require_smoke_test_credentials,
)
from infra.deployment.progress import ProgressReporter, require_confirmation
from infra.deployment.release_errors import (
    ReleaseRefused,
    ReleaseStepFailed,
    RollbackFailed,
    RolledBack,
)
from infra.deployment.subprocesses import run
from infra.deployment.time_budget import deploy_budget_s, rollback_budget_s
from infra.deployment.verification import run_smoke_test, wait_until_healthy

_PREPARATION_S = 120.0
"""For the questions to flyctl and the checks of the stores, before anything is changed."""


def deploy(
    app: str,
    demands: ReleaseRequirements,
    tell: ProgressReporter,
    *,
    yes: bool,
    seconds: float | None,
    poll_s: float,
) -> None:
    """Release the checked-out commit, within `seconds`; None means the budget for its machines.

    Raises `ReleaseRefused`, `RolledBack` and `RollbackFailed`.
    """
    require_smoke_test_credentials()
    require_releasable_commit(demands, tell)
    fly = FlyApp(app, Deadline(_PREPARATION_S))
    require_ready_app(fly, demands.stage, tell)
    try:
        machines = fly.machines()
        previous = next(iter(fly.releases()), None)
        head = run(["git", "rev-parse", "HEAD"], fly.deadline).strip()
    except ReleaseStepFailed as failure:
        raise ReleaseRefused(str(failure)) from None
    require_confirmation(f"Release {head[:9]} to {app} ({demands.stage})?", is_given=yes)
    fly = FlyApp(app, Deadline(seconds or deploy_budget_s(machines)))
    try:
        with tell.step("build, migrate, replace the machines one by one"):
            fly.build_and_deploy(pinned_base_images() | {"REVISION": head})
        wait_until_healthy(fly, tell, poll_s)
        run_smoke_test(fly, tell)
    except (Exception, KeyboardInterrupt) as failure:  # any failure must restore the service
        fly = FlyApp(app, Deadline(min(rollback_budget_s(machines), fly.deadline.seconds)))
        _undo(fly, previous, failure, tell, poll_s)
    _report(fly, head, previous, tell)


def roll_back(
    app: str,
    wanted: int | None,
    tell: ProgressReporter,
    *,
    yes: bool,
    seconds: float | None,
    poll_s: float,
) -> None:
    """Deploy the image of an earlier release; `wanted` is its version, None for the previous one.

    It takes at most `seconds`; None means the budget for its machines.

    Raises `ReleaseRefused` and `RollbackFailed`.
    """
    require_smoke_test_credentials()
    fly = FlyApp(app, Deadline(_PREPARATION_S))
    try:
        machines = fly.machines()
        release = _find_release(fly.releases(), wanted)
    except ReleaseStepFailed as failure:
        raise ReleaseRefused(str(failure)) from None
    require_confirmation(f"Roll {app} back to v{release.version} ({release.image})?", is_given=yes)
    fly = FlyApp(app, Deadline(seconds or rollback_budget_s(machines)))
    try:
        _redeploy(fly, release, tell, poll_s)
    except (Exception, KeyboardInterrupt) as failure:
        raise RollbackFailed(_rollback_failure(app, release, failure)) from None
    tell.say(f"v{release.version} of {app} serves again, after {fly.deadline.elapsed_s:.0f} s.")


def _report(fly: FlyApp, head: str, previous: Release | None, tell: ProgressReporter) -> None:
    """Report the new release. A failure of flyctl here doesn't undo it."""
    try:
        version, where = f"v{fly.releases()[0].version}", fly.address()
    except (ReleaseStepFailed, IndexError):
        version, where = "a release", "see flyctl status for its address"
    seconds = fly.deadline.elapsed_s
    tell.say(f"Released {version} of {fly.app}: {head[:9]}, in {seconds:.0f} s; {where}")
    if previous:
        tell.say(f"To roll back: infra/scripts/rollback.sh {fly.app} v{previous.version}")


def _find_release(releases: list[Release], wanted: int | None) -> Release:
    """Return release `wanted`, or else the newest from before the serving image's first release.

    Releases between the first and the latest release of the serving image were rolled back.
    """
    serving = [n for n, one in enumerate(releases) if one.image == releases[0].image]
    candidates = releases if wanted is not None else releases[max(serving, default=-1) + 1 :]
    for release in candidates:
        if wanted in (None, release.version):
            return release
    completed = ", ".join(f"v{release.version}" for release in releases) or "none"
    missing = f"completed release v{wanted}" if wanted else "earlier completed release"
    raise ReleaseRefused(f"There is no {missing}. Completed releases: {completed}")


def _undo(
    fly: FlyApp,
    previous: Release | None,
    failure: BaseException,
    tell: ProgressReporter,
    poll_s: float,
) -> None:
    why = str(failure) or "interrupted"
    tell.say(f"The release failed: {why}")
    if previous is None:
        raise RollbackFailed(
            f"There is no previous release to roll back to. flyctl logs --app {fly.app}"
        )
    try:
        _redeploy(fly, previous, tell, poll_s)
    except (Exception, KeyboardInterrupt) as rollback_error:
        raise RollbackFailed(_rollback_failure(fly.app, previous, rollback_error)) from None
    raise RolledBack(f"Rolled back: v{previous.version} serves again. ({why})") from None


def _redeploy(fly: FlyApp, release: Release, tell: ProgressReporter, poll_s: float) -> None:
    with tell.step(f"rollback to v{release.version}"):
        fly.deploy(release.image)
    wait_until_healthy(fly, tell, poll_s)
    run_smoke_test(fly, tell)


def _rollback_failure(app: str, release: Release, failure: BaseException) -> str:
    return (
        f"THE ROLLBACK FAILED: {failure or 'interrupted'}\n"
        f"Act at once: flyctl status --app {app}; flyctl logs --app {app}\n"
        f"To roll back by hand: flyctl deploy --app {app} --config infra/fly.toml"
        " --skip-release-command"
        f" --image {release.image}"
    )

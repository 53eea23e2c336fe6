"""A release from its first look to its smoke test, and back again where it fails."""

from infra.deployment.bases import pinned_bases
from infra.deployment.clock import Deadline
from infra.deployment.failure import Refused, ReleaseFailed, RolledBack, Stranded
from infra.deployment.fly import Fly, Release
from infra.deployment.preflight import Demands, require_ready, require_sound, require_token
from infra.deployment.programs import output
from infra.deployment.rounds import require_healthy, require_working
from infra.deployment.telling import Teller, require_consent

DEPLOY_S = 300.0
ROLLBACK_S = 120.0


def deploy(
    app: str, demands: Demands, tell: Teller, *, yes: bool, seconds: float, poll_s: float
) -> None:
    """Release what is checked out. Raises `Refused`, `RolledBack` and `Stranded`."""
    require_token()
    require_sound(demands, tell)
    fly = Fly(app, Deadline(seconds))
    require_ready(fly, tell)
    try:
        before = next(iter(fly.releases()), None)
        head = output(["git", "rev-parse", "HEAD"], fly.deadline).strip()
    except ReleaseFailed as failure:
        raise Refused(str(failure)) from None
    require_consent(f"Release {head[:9]} to {app} ({demands.stage})?", is_given=yes)
    fly = Fly(app, Deadline(seconds))  # a question may take its time
    try:
        with tell.step("build, migrate, replace the machines one by one"):
            fly.build_and_deploy(pinned_bases() | {"REVISION": head})
        require_healthy(fly, tell, poll_s)
        require_working(fly, tell)
    except (Exception, KeyboardInterrupt) as failure:  # whatever it is, users come first
        _back(fly, before, failure, tell, poll_s)
    _report(fly, head, before, tell)


def roll_back(
    app: str, wanted: int | None, tell: Teller, *, yes: bool, seconds: float, poll_s: float
) -> None:
    """Have an earlier release serve again. Raises `Refused`, `Stranded`."""
    require_token()
    fly = Fly(app, Deadline(seconds))
    try:
        release = _earlier(fly.releases(), wanted)
    except ReleaseFailed as failure:
        raise Refused(str(failure)) from None
    require_consent(f"Put v{release.version} of {app} back ({release.image})?", is_given=yes)
    fly = Fly(app, Deadline(seconds))
    try:
        _put_back(fly, release, tell, poll_s)
    except (Exception, KeyboardInterrupt) as failure:
        raise Stranded(_help(app, release, failure)) from None
    tell.say(f"v{release.version} of {app} serves again, after {fly.deadline.elapsed_s:.0f} s.")


def _report(fly: Fly, head: str, before: Release | None, tell: Teller) -> None:
    """Say what serves now; a question that isn't answered undoes nothing any more."""
    try:
        version, where = f"v{fly.releases()[0].version}", fly.address()
    except (ReleaseFailed, IndexError):
        version, where = "a release", "flyctl status tells where"
    seconds = fly.deadline.elapsed_s
    tell.say(f"Released {version} of {fly.app}: {head[:9]}, in {seconds:.0f} s; {where}")
    if before:
        tell.say(f"The way back: infra/scripts/rollback.sh {fly.app} v{before.version}")


def _earlier(releases: list[Release], wanted: int | None) -> Release:
    """The one wanted, or the newest from before the one that serves was first released.

    What came in between was rolled back, or it would serve.
    """
    serving = [n for n, one in enumerate(releases) if one.image == releases[0].image]
    earlier = releases if wanted is not None else releases[max(serving, default=-1) + 1 :]
    for release in earlier:
        if wanted in (None, release.version):
            return release
    known = ", ".join(f"v{release.version}" for release in releases) or "none"
    which = f"v{wanted}" if wanted else "one before"
    raise Refused(f"There is no such release ({which}) that was completed; there are: {known}")


def _back(
    fly: Fly, before: Release | None, failure: BaseException, tell: Teller, poll_s: float
) -> None:
    why = str(failure) or "interrupted"
    tell.say(f"The release failed: {why}")
    if before is None:
        raise Stranded(f"There is no release before it to go back to. flyctl logs --app {fly.app}")
    anew = Fly(fly.app, Deadline(min(ROLLBACK_S, fly.deadline.seconds)))
    try:
        _put_back(anew, before, tell, poll_s)
    except (Exception, KeyboardInterrupt) as again:
        raise Stranded(_help(fly.app, before, again)) from None
    raise RolledBack(f"Rolled back: v{before.version} serves again. ({why})") from None


def _put_back(fly: Fly, release: Release, tell: Teller, poll_s: float) -> None:
    with tell.step(f"rollback to v{release.version}"):
        fly.deploy(release.image)
    require_healthy(fly, tell, poll_s)
    require_working(fly, tell)


def _help(app: str, release: Release, failure: BaseException) -> str:
    return (
        f"THE ROLLBACK FAILED AS WELL: {failure or 'interrupted'}\n"
        f"Look at once: flyctl status --app {app}; flyctl logs --app {app}\n"
        f"By hand: flyctl deploy --app {app} --config infra/fly.toml --skip-release-command"
        f" --image {release.image}"
    )

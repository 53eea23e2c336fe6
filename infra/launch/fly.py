"""Steps on Fly.io: the app, its secrets and a release."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from infra.deployment.deadline import Deadline
from infra.deployment.fly import FlyApp
from infra.deployment.release_errors import ReleaseStepFailed
from infra.environment.fly_secrets import FlyctlError, secret_names
from infra.launch.context import LaunchContext
from infra.launch.errors import LaunchFailed
from infra.launch.programs import ProgramFailed
from infra.launch.release import SECRETS, record_release

_FLYCTL_S = 60.0
_NOTHING_TO_RESTORE = 3
_OF_RELEASE = ("REDIS_URL", "DATABASE_URL", "JWT_SECRET")
"""What deploy.sh needs for its checks and its smoke test."""


def has_app(app: str) -> bool:
    """Return whether the account has the app. Raises `LaunchFailed`."""
    with _explained():
        return FlyApp(app, Deadline(_FLYCTL_S)).exists()


def create_app(launch: LaunchContext) -> None:
    """Create the app. Raises `LaunchFailed`."""
    if not launch.journal.resource("app"):
        launch.ask(f"Create the app {launch.app} on Fly.io?")
    launch.journal.begin("app", launch.app)
    organization = os.environ.get("FLY_ORG", "personal")
    try:
        launch.programs.run("flyctl", "apps", "create", launch.app, "--org", organization)
    except ProgramFailed as failure:
        launch.journal.forget("app")
        raise LaunchFailed(
            f"{failure}. If the name is taken, choose another one: APP=. The organization is"
            f" {organization}; FLY_ORG names another one."
        ) from None
    launch.journal.finish("app", launch.app)


def set_secrets(launch: LaunchContext) -> None:
    """Set the variables of the file as secrets of the app. Raises `LaunchFailed`."""
    with _explained():
        present = secret_names(launch.app)
    replaced = sorted(present & launch.variables().keys())
    if replaced and not launch.journal.fact(SECRETS):
        launch.ask(f"Replace {', '.join(replaced)} of {launch.app} with the values of the file?")
    file = str(launch.file.path)
    launch.programs.run("infra/scripts/secrets", launch.app, "--file", file, "--yes")
    launch.journal.record(SECRETS, launch.fingerprint())


def release(launch: LaunchContext) -> None:
    """Release the commit; deploy.sh runs the smoke test, and rolls back if that fails.

    Raises `LaunchFailed`.
    """
    launch.ask(f"Release the checked-out commit to {launch.app}?")
    variables = launch.variables()
    given = {name: variables[name] for name in _OF_RELEASE}
    try:
        launch.programs.run(
            "infra/scripts/deploy.sh", launch.app, launch.stage, "--yes", variables=given
        )
    except ProgramFailed as failure:
        if failure.code == _NOTHING_TO_RESTORE:
            raise LaunchFailed(
                f"The release failed, and no earlier one could be restored. See: flyctl logs --app"
                f" {launch.app}. Then run the same command again."
            ) from None
        raise LaunchFailed(f"{failure}. Nothing new serves; deploy.sh says why above.") from None
    record_release(launch, address(launch))


def address(launch: LaunchContext) -> str:
    """Return the public URL of the app. Raises `LaunchFailed`."""
    with _explained():
        return FlyApp(launch.app, Deadline(_FLYCTL_S)).address()


@contextmanager
def _explained() -> Iterator[None]:
    """Turn the failures of flyctl into `LaunchFailed`."""
    try:
        yield
    except (FlyctlError, ReleaseStepFailed) as failure:
        raise LaunchFailed(str(failure)) from None

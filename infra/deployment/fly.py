"""Control an app on Fly.io with flyctl; the fields of its JSON output follow its documentation."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infra.deployment.deadline import Deadline
from infra.deployment.release_errors import ReleaseStepFailed
from infra.deployment.subprocesses import ROOT, run
from infra.fly_toml import FLY_TOML, always_running

_READY = {"started", "running"}
_STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Release:
    """A completed release and its image."""

    version: int
    image: str


@dataclass(frozen=True, slots=True)
class FlyApp:
    """The app `app`; flyctl's calls must end before `deadline`."""

    app: str
    deadline: Deadline

    def exists(self) -> bool:
        """Return whether the logged-in account has the app. Raises `ReleaseStepFailed`."""
        apps = self._query("apps", "list", "--json")
        return any(_field(app, "name") == self.app for app in apps)

    def secrets(self) -> set[str]:
        """Return the names of the app's secrets. Raises `ReleaseStepFailed`."""
        listed = self._query("secrets", "list", "--app", self.app, "--json")
        return {str(_field(secret, "name")) for secret in listed or []}

    def releases(self) -> list[Release]:
        """Return the completed releases, newest first. Raises `ReleaseStepFailed`."""
        listed = self._query("releases", "--app", self.app, "--image", "--json")
        return sorted(_completed(listed or []), key=lambda one: -one.version)

    def address(self) -> str:
        """Return the app's public URL. Raises `ReleaseStepFailed`."""
        if hostname := _field(self._status(), "hostname"):
            return f"https://{hostname}"
        raise ReleaseStepFailed("flyctl status shows no hostname")

    def machines(self) -> int:
        """Return the number of machines, running or stopped. Raises `ReleaseStepFailed`."""
        return len(self._machines())

    def unhealthy(self) -> list[str]:
        """Return what is wrong with each unhealthy machine. Raises `ReleaseStepFailed`.

        Machines that Fly has stopped because they aren't needed are healthy.
        """
        machines = self._machines()
        if not machines:
            return ["there is no machine"]
        awake = [one for one in machines if _field(one, "state") != _STOPPED]
        is_enough = len(awake) >= always_running()
        return [fault for one in (awake if is_enough else machines) for fault in _faults(one)]

    def build_and_deploy(self, arguments: dict[str, str]) -> None:
        """Build the checked-out commit and deploy it to every machine.

        Raises `ReleaseStepFailed`.
        """
        given = [part for pair in arguments.items() for part in ("--build-arg", "=".join(pair))]
        self._deploy("--dockerfile", str(ROOT / "Dockerfile"), *given)

    def deploy(self, image: str) -> None:
        """Deploy the existing `image` to every machine. Raises `ReleaseStepFailed`.

        Skips the migrations: the schema is newer already, and Postgres may be unavailable.
        """
        self._deploy("--image", image, "--skip-release-command")

    def _deploy(self, *more: str) -> None:
        config = ("--config", str(FLY_TOML), "--app", self.app, "--yes")
        run(["flyctl", "deploy", str(ROOT), *config, *more], self.deadline)

    def _machines(self) -> list[Any]:
        machines = _field(self._status(), "machines") or []
        if not isinstance(machines, list):
            raise ReleaseStepFailed("unexpected output of flyctl: the machines are no list")
        return machines

    def _status(self) -> Any:
        return self._query("status", "--app", self.app, "--json")

    def _query(self, *arguments: str) -> Any:
        text = run(["flyctl", *arguments], self.deadline)
        try:
            return json.loads(text)
        except ValueError:
            raise ReleaseStepFailed(
                f"flyctl {arguments[0]} returned no JSON: {text[:200]}"
            ) from None


def _field(item: Any, name: str) -> Any:
    """Return a field;

    flyctl's versions capitalise names differently. Raises `ReleaseStepFailed`.
    """
    if not isinstance(item, dict):
        raise ReleaseStepFailed(f"unexpected output of flyctl: no object with the field {name}")
    return next((value for key, value in item.items() if key.lower() == name), None)


def _completed(listed: list[dict[str, Any]]) -> Iterator[Release]:
    for one in listed:
        image = _field(one, "imageref")
        if _field(one, "status") == "complete" and image:
            yield Release(int(_field(one, "version")), str(image))


def _faults(machine: dict[str, Any]) -> Iterator[str]:
    name, state = _field(machine, "id"), _field(machine, "state")
    if state not in _READY:
        yield f"machine {name} is {state}"
    checks = _field(machine, "checks") or ()
    if not checks:
        yield f"machine {name} has no checks yet"
    for check in checks:
        if _field(check, "status") != "passing":
            yield f"{_field(check, 'name')} of machine {name} is {_field(check, 'status')}"

"""One app on Fly.io, by flyctl; what is read of its answers is as its documentation has them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infra.deployment.clock import Deadline
from infra.deployment.failure import ReleaseFailed
from infra.deployment.programs import ROOT, output

_CONFIGURATION = ROOT / "infra" / "fly.toml"
_READY = {"started", "running"}


@dataclass(frozen=True, slots=True)
class Release:
    """One that was completed, and the image that it brought."""

    version: int
    image: str


@dataclass(frozen=True, slots=True)
class Fly:
    """The app of that name."""

    app: str
    deadline: Deadline

    def exists(self) -> bool:
        """Whether the account that is logged in has the app. Raises `ReleaseFailed`."""
        apps = self._asked("apps", "list", "--json")
        return any(_field(app, "name") == self.app for app in apps)

    def secrets(self) -> set[str]:
        """The names of those that are set. Raises `ReleaseFailed`."""
        listed = self._asked("secrets", "list", "--app", self.app, "--json")
        return {str(_field(secret, "name")) for secret in listed or []}

    def releases(self) -> list[Release]:
        """Those that were completed, newest first. Raises `ReleaseFailed`."""
        listed = self._asked("releases", "--app", self.app, "--image", "--json")
        return sorted(_completed(listed or []), key=lambda one: -one.version)

    def address(self) -> str:
        """Where the public reaches it. Raises `ReleaseFailed`."""
        if hostname := _field(self._status(), "hostname"):
            return f"https://{hostname}"
        raise ReleaseFailed("flyctl status names no host")

    def unhealthy(self) -> list[str]:
        """What is still wrong with which machine, in words. Raises `ReleaseFailed`."""
        machines = _field(self._status(), "machines") or []
        return [fault for machine in machines for fault in _faults(machine)] or (
            [] if machines else ["there is no machine"]
        )

    def build_and_deploy(self, arguments: dict[str, str]) -> None:
        """Replace every machine by one of what is checked out. Raises `ReleaseFailed`."""
        given = [part for pair in arguments.items() for part in ("--build-arg", "=".join(pair))]
        self._deploy("--dockerfile", str(ROOT / "Dockerfile"), *given)

    def deploy(self, image: str) -> None:
        """Replace every machine by one of `image`, which is there. Raises `ReleaseFailed`.

        Nothing is migrated: the tables are ahead of it, and Postgres may be away.
        """
        self._deploy("--image", image, "--skip-release-command")

    def _deploy(self, *more: str) -> None:
        config = ("--config", str(_CONFIGURATION), "--app", self.app, "--yes")
        output(["flyctl", "deploy", str(ROOT), *config, *more], self.deadline)

    def _status(self) -> Any:
        return self._asked("status", "--app", self.app, "--json")

    def _asked(self, *arguments: str) -> Any:
        answer = output(["flyctl", *arguments], self.deadline)
        try:
            return json.loads(answer)
        except ValueError:
            raise ReleaseFailed(f"flyctl {arguments[0]} gave no JSON: {answer[:200]}") from None


def _field(thing: Any, name: str) -> Any:
    """A field, whichever way this version of flyctl capitalises it. Raises `ReleaseFailed`."""
    if not isinstance(thing, dict):
        raise ReleaseFailed(f"flyctl gave something else than was expected where {name} should be")
    return next((value for key, value in thing.items() if key.lower() == name), None)


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

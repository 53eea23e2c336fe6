"""Find the distributions, at their locked versions, that provide the imported modules."""

import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from infra.packaging.manifest import PYTHON_VERSION, ROOT
from infra.packaging.packaging_errors import PackagingFailed

_FORBIDDEN = {"boto3", "botocore"}
"""Lambda provides them, and importing them takes longer than importing everything else."""

_UNUSED = {"h2"}
"""HTTP/2: postgrest requires it, but the functions don't use it; httpcore imports it if it can."""


class LockFile:
    """The pinned versions of requirements.txt that apply on Lambda."""

    def __init__(self) -> None:
        locked = locked_requirements(ROOT / "requirements.txt")
        self._versions = {canonicalize_name(r.name): r for r in locked if _applies(r)}

    def pin(self, name: NormalizedName) -> str:
        """Return `name==version`. Raises `PackagingFailed` if the distribution isn't locked."""
        if name not in self._versions:
            raise PackagingFailed(
                f"{name} is needed but not in requirements.txt: add it to pyproject.toml's"
                " dependencies, then `make lock`."
            )
        requirement = self._versions[name]
        return f"{name}{requirement.specifier}"


def locked_requirements(file: Path) -> list[Requirement]:
    """Return the requirements in a lock file, without their hashes."""
    lines = file.read_text().splitlines()
    return [Requirement(line.removesuffix("\\")) for line in lines if line and line[0] not in " #"]


@dataclass(frozen=True, slots=True)
class _Needed:
    """A distribution with one of its extras; the extra "" is the distribution itself."""

    name: NormalizedName
    extra: str = ""


def required_distributions(imported: Iterable[str]) -> frozenset[NormalizedName]:
    """Return the distributions of these top-level modules and their transitive requirements.

    Raises `PackagingFailed` if no installed distribution provides a module.
    """
    extras = _own_extras()
    found: set[_Needed] = set()
    pending = [
        _Needed(name, extra) for name in _direct(imported) for extra in ("", *extras.get(name, ()))
    ]
    while pending:
        needed = pending.pop()
        if needed not in found:
            found.add(needed)
            pending += _required_by(needed)
    names = frozenset(needed.name for needed in found)
    if names & _FORBIDDEN:
        named = ", ".join(names & _FORBIDDEN)
        raise PackagingFailed(f"{named} is imported but must not be packaged.")
    return names


def _own_extras() -> dict[NormalizedName, set[str]]:
    """Return the extras that pyproject.toml asks for, by distribution: `crypto` for PyJWT."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = map(Requirement, project["dependencies"])
    return {canonicalize_name(each.name): each.extras for each in requirements}


def _direct(imported: Iterable[str]) -> Iterator[NormalizedName]:
    providers = metadata.packages_distributions()
    for module in set(imported) - sys.stdlib_module_names:
        if module not in providers:
            raise PackagingFailed(f"{module} is imported, but no installed package provides it.")
        yield from map(canonicalize_name, providers[module])


def _required_by(needed: _Needed) -> Iterator[_Needed]:
    for line in metadata.requires(needed.name) or []:
        requirement = Requirement(line)
        if _applies(requirement, needed.extra):
            name = canonicalize_name(requirement.name)
            if name in _UNUSED:
                continue
            yield from (_Needed(name, extra) for extra in ("", *requirement.extras))


def _applies(requirement: Requirement, extra: str = "") -> bool:
    """Return whether the requirement applies on Lambda."""
    environment = {
        "python_version": PYTHON_VERSION,
        "python_full_version": f"{PYTHON_VERSION}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "aarch64",
        "extra": extra,
    }
    return requirement.marker is None or requirement.marker.evaluate(environment)

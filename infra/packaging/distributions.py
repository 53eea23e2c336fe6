"""From imported names to the distributions that must be shipped, at the locked versions."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from infra.packaging.failure import PackagingFailed
from infra.packaging.manifest import ROOT

_NEVER = {"boto3", "botocore"}
"""Lambda has them, and importing them costs more than all the rest."""

_UNUSED = {"h2"}
"""HTTP/2, which postgrest requires and functions leave off; it is imported wherever it is found."""


class Lock:
    """requirements.txt: which version of what."""

    def __init__(self) -> None:
        lines = (ROOT / "requirements.txt").read_text().splitlines()
        pins = (line.removesuffix("\\") for line in lines if line and line[0] not in " #")
        locked = [Requirement(pin) for pin in pins]
        self._versions = {canonicalize_name(r.name): r for r in locked if _applies(r)}

    def pin(self, name: NormalizedName) -> str:
        """`name==version`. Raises `PackagingFailed` for what isn't locked."""
        if name not in self._versions:
            raise PackagingFailed(
                f"{name} is needed but not in requirements.txt: add it to pyproject.toml's"
                " dependencies, then `make lock`."
            )
        requirement = self._versions[name]
        return f"{name}{requirement.specifier}"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A distribution with one of its extras; the extra "" is the distribution itself."""

    name: NormalizedName
    extra: str = ""


def distributions_of(imported: Iterable[str]) -> frozenset[NormalizedName]:
    """Those that bring these top-level modules, and all that they require in turn.

    Raises `PackagingFailed` for a module that nothing installed brings.
    """
    found: set[_Wanted] = set()
    waiting = [_Wanted(name) for name in _direct(imported)]
    while waiting:
        wanted = waiting.pop()
        if wanted not in found:
            found.add(wanted)
            waiting += _required_by(wanted)
    names = frozenset(wanted.name for wanted in found)
    if names & _NEVER:
        raise PackagingFailed(f"{', '.join(names & _NEVER)} must not be shipped, yet is imported.")
    return names


def _direct(imported: Iterable[str]) -> Iterator[NormalizedName]:
    providers = metadata.packages_distributions()
    for module in set(imported) - sys.stdlib_module_names:
        if module not in providers:
            raise PackagingFailed(f"{module} is imported, and nothing installed brings it.")
        yield from map(canonicalize_name, providers[module])


def _required_by(wanted: _Wanted) -> Iterator[_Wanted]:
    for line in metadata.requires(wanted.name) or []:
        requirement = Requirement(line)
        if _applies(requirement, wanted.extra):
            name = canonicalize_name(requirement.name)
            if name in _UNUSED:
                continue
            yield from (_Wanted(name, extra) for extra in ("", *requirement.extras))


def _applies(requirement: Requirement, extra: str = "") -> bool:
    """Whether it is required on Lambda."""
    there = {
        "python_version": "3.12",
        "python_full_version": "3.12.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "aarch64",
        "extra": extra,
    }
    return requirement.marker is None or requirement.marker.evaluate(there)

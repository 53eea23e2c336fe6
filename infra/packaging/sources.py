"""Find a function's source files and its third-party imports."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grimp

from infra.packaging.manifest import ROOT
from infra.packaging.packaging_errors import PackagingFailed

_PACKAGES = ("functions", "shared")

_READ_BY = {
    "shared.store.connection": ["shared/store/scripts/*.lua"],
    "shared.application.time_control_presets": ["shared/application/time_control_presets.json"],
    "shared.application.programme_presets": ["shared/application/programme_presets.json"],
    "functions.service.console": ["clients/js/*.js", "clients/js/transports/*.js"],
}
"""Data files, by the module that reads them."""

_READ_FROM = {"functions.service.docs": "fastapi_swagger"}
"""Packages whose files a module reads without importing them."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of a function, relative to the root, and the third-party packages that it uses."""

    files: frozenset[Path]
    imported: frozenset[str]


class ImportGraph:
    """The imports of all packages: those inside functions count, those for type checking don't."""

    def __init__(self) -> None:
        self._graph = grimp.build_graph(
            *_PACKAGES,
            include_external_packages=True,
            exclude_type_checking_imports=True,
            cache_dir=None,
        )

    def sources_of(self, module: str) -> Sources:
        """Return what `module` needs to run. Raises `PackagingFailed` if it doesn't exist."""
        if module not in self._graph.modules:
            raise PackagingFailed(f"serverless.yml names {module}, and there is no such module.")
        needed = {module}
        while missing := self._directly_needed(needed) - needed:
            needed |= missing
        external = {name for name in needed if self._graph.is_module_squashed(name)}
        own = needed - external
        return Sources(
            files=frozenset([*map(_file_of, own), *_read_by(own)]),
            imported=frozenset([*(name.partition(".")[0] for name in external), *_read_from(own)]),
        )

    def _directly_needed(self, modules: set[str]) -> set[str]:
        """Return the modules' imports and parent packages, which Python imports first."""
        packages = {name.rpartition(".")[0] for name in modules} & self._graph.modules
        own = [name for name in modules if not self._graph.is_module_squashed(name)]
        return packages.union(*map(self._graph.find_modules_directly_imported_by, own))


def _file_of(module: str) -> Path:
    path = Path(*module.split("."))
    return path / "__init__.py" if (ROOT / path).is_dir() else path.with_suffix(".py")


def _read_by(modules: set[str]) -> Iterator[Path]:
    for reader, patterns in _READ_BY.items():
        if reader in modules:
            for pattern in patterns:
                files = (path for path in ROOT.glob(pattern) if path.is_file())
                yield from (path.relative_to(ROOT) for path in files)


def _read_from(modules: set[str]) -> Iterator[str]:
    return (package for reader, package in _READ_FROM.items() if reader in modules)

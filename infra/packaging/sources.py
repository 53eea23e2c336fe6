"""Which files of this project a function is made of, and what it imports of others."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grimp

from infra.packaging.failure import PackagingFailed
from infra.packaging.manifest import ROOT

_PACKAGES = ("functions", "shared")

_READ_BY = {
    "shared.store.connection": ["shared/store/scripts/*.lua"],
    "functions.service.console": [
        "functions/console/**/*",
        "clients/js/*.js",
        "clients/js/transports/*.js",
    ],
}
"""Files that are no modules, by the module that reads them."""


@dataclass(frozen=True, slots=True)
class Sources:
    """`files` are relative to the root; `imported` are names of foreign top-level modules."""

    files: frozenset[Path]
    imported: frozenset[str]


class ImportGraph:
    """Who imports whom, anywhere in a file: an import inside a function counts, one that is only
    for the type checker doesn't.
    """

    def __init__(self) -> None:
        self._graph = grimp.build_graph(
            *_PACKAGES,
            include_external_packages=True,
            exclude_type_checking_imports=True,
            cache_dir=None,
        )

    def sources_of(self, module: str) -> Sources:
        """What `module` needs to run. Raises `PackagingFailed` if there is no such module."""
        if module not in self._graph.modules:
            raise PackagingFailed(f"serverless.yml names {module}, and there is no such module.")
        needed = {module}
        while missing := self._directly_needed(needed) - needed:
            needed |= missing
        foreign = {name for name in needed if self._graph.is_module_squashed(name)}
        ours = needed - foreign
        return Sources(
            files=frozenset([*map(_file_of, ours), *_read_by(ours)]),
            imported=frozenset(name.partition(".")[0] for name in foreign),
        )

    def _directly_needed(self, modules: set[str]) -> set[str]:
        """What these import; a package on the way to a module is imported before it."""
        packages = {name.rpartition(".")[0] for name in modules} & self._graph.modules
        ours = [name for name in modules if not self._graph.is_module_squashed(name)]
        return packages.union(*map(self._graph.find_modules_directly_imported_by, ours))


def _file_of(module: str) -> Path:
    path = Path(*module.split("."))
    return path / "__init__.py" if (ROOT / path).is_dir() else path.with_suffix(".py")


def _read_by(modules: set[str]) -> Iterator[Path]:
    for reader, patterns in _READ_BY.items():
        if reader in modules:
            for pattern in patterns:
                files = (path for path in ROOT.glob(pattern) if path.is_file())
                yield from (path.relative_to(ROOT) for path in files)

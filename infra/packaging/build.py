"""Build the contents of the layer and of all functions from the sources and the lock files."""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import NormalizedName

from functions.endpoints import ROUTES
from functions.service.reference import reference_documents
from infra.console.build import ConsoleBuildFailed, build_console
from infra.packaging.archive import Contents, with_bytecode
from infra.packaging.distributions import LockFile, required_distributions
from infra.packaging.interpreter import compile_all
from infra.packaging.manifest import LAYER_FUNCTION, ROOT, Function, functions
from infra.packaging.packaging_errors import PackagingFailed
from infra.packaging.sources import ImportGraph, Sources
from infra.packaging.wheels import Platform, files_by_distribution, install
from shared.http.prepared_documents import PREPARED


@dataclass(frozen=True, slots=True)
class Build:
    """The contents of the layer and of each function, ready to be packed."""

    layer: Contents
    functions: Mapping[Function, Contents]


def build(platform: Platform, workshop: Path) -> Build:
    """Compile everything for `platform` in the folder `workshop`, which is deleted first.

    Raises `PackagingFailed`.
    """
    shutil.rmtree(workshop, ignore_errors=True)
    parts = _find_parts()
    own = _compile_own(parts, platform, workshop / "own")
    made = _make_files(own)
    site = workshop / "site"
    install(map(LockFile().pin, frozenset().union(*parts.distributions.values())), platform, site)
    compile_all(site, "/opt/python" if platform == "lambda" else None)
    return _distribute(parts, own, made, site)


@dataclass(frozen=True, slots=True)
class _Parts:
    sources: Mapping[Function, Sources]
    distributions: Mapping[Function, frozenset[NormalizedName]]


def _find_parts() -> _Parts:
    graph = ImportGraph()
    sources = {function: graph.sources_of(function.module) for function in functions()}
    distributions = {f: required_distributions(found.imported) for f, found in sources.items()}
    return _Parts(sources, distributions)


def _compile_own(parts: _Parts, platform: Platform, folder: Path) -> Path:
    for file in frozenset().union(*(sources.files for sources in parts.sources.values())):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, folder / file)
    compile_all(folder, "/var/task" if platform == "lambda" else None)
    return folder


_Made = Mapping[Path, frozenset[Path]]
"""The files that the build makes, by the module that serves them."""


def _make_files(own: Path) -> _Made:
    """Make the documents of the reference and the console below `own`."""
    return {
        Path("shared/http/prepared_documents.py"): _prepare_documents(own),
        Path("functions/service/console.py"): _build_console(own),
    }


def _prepare_documents(own: Path) -> frozenset[Path]:
    """Write the documents of the reference below `own`; return their paths relative to it."""
    folder = PREPARED.relative_to(ROOT)
    documents = reference_documents(ROUTES)
    return frozenset(folder / document.write(own / folder).name for document in documents)


def _build_console(own: Path) -> frozenset[Path]:
    """Build the console below `own`; return the paths of its files relative to it."""
    folder = own / "clients" / "console"
    try:
        build_console(folder)
    except ConsoleBuildFailed as error:
        raise PackagingFailed(str(error)) from None
    return frozenset(path.relative_to(own) for path in folder.rglob("*") if path.is_file())


def _distribute(parts: _Parts, own: Path, made: _Made, site: Path) -> Build:
    """Put the distributions of `LAYER_FUNCTION` into the layer, others into the functions' zips."""
    files = files_by_distribution(site)
    in_layer = next(d for f, d in parts.distributions.items() if f.name == LAYER_FUNCTION)

    def contents(names: Iterable[NormalizedName], prefix: Path) -> dict[Path, Path]:
        return {prefix / file: site / file for name in names for file in files[name]}

    return Build(
        layer=with_bytecode(contents(in_layer, Path("python"))),
        functions={
            function: with_bytecode(
                {file: own / file for file in _own_files(sources, made)}
                | contents(parts.distributions[function] - in_layer, Path())
            )
            for function, sources in parts.sources.items()
        },
    )


def _own_files(sources: Sources, made: _Made) -> frozenset[Path]:
    """Return the function's files, with those that the build has made for its modules."""
    return sources.files.union(
        *(files for server, files in made.items() if server in sources.files)
    )

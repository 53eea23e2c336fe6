"""The layers of the source: each package imports only what it may."""

import ast
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path for folder in ("functions", "shared", "infra") for path in (ROOT / folder).rglob("*.py")
)

DOMAIN = {"shared.domain"}
APPLICATION = DOMAIN | {"shared.application"}

ALLOWED_IMPORTS = {
    "shared/domain": DOMAIN,
    "shared/application/ports": DOMAIN | {"shared.application.ports", "shared.application.errors"},
    "shared/application": APPLICATION,
    "shared/settings": {"shared.settings"},
    "shared/auth": APPLICATION | {"shared.auth"},
    "shared/store": APPLICATION | {"shared.store"},
    "shared/audit": APPLICATION | {"shared.audit"},
    "shared/realtime": APPLICATION | {"shared.realtime"},
    "shared/aws": APPLICATION | {"shared.aws"},
    "shared/webhooks": APPLICATION | {"shared.webhooks"},
    "shared/observability/tracing": {"shared"},
    "shared/observability": APPLICATION | {"shared.observability"},
    "shared/http": APPLICATION
    | {"shared.VERSION", "shared.auth", "shared.settings", "shared.http"},
    "shared/serverless": {"shared"},
    "shared/composition": {"shared"},
    "functions": {"shared", "functions"},
    "infra": {"shared", "functions", "infra"},
}
STANDARD_LIBRARY_ONLY = (
    "shared/domain",
    "shared/application/ports",
    "shared/application/errors.py",
)


@cache
def imports(path: Path) -> list[str]:
    """All modules that a file imports."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def allowed_imports(path: Path) -> set[str]:
    """The project's modules that a file may import: by its own rule or its nearest folder's."""
    location = path.relative_to(ROOT)
    return next(
        ALLOWED_IMPORTS[str(p)] for p in (location, *location.parents) if str(p) in ALLOWED_IMPORTS
    )


def is_under(module: str, packages: set[str]) -> bool:
    """Whether `module` is one of `packages` or inside one."""
    return any(module == p or module.startswith(f"{p}.") for p in packages)


def test_imports_only_point_down() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in SOURCES
        for module in imports(path)
        if module.split(".")[0] in ("functions", "shared", "infra", "tests")
        and not is_under(module, allowed_imports(path))
    ]
    assert wrong == []


@pytest.mark.parametrize("location", STANDARD_LIBRARY_ONLY)
def test_the_lowest_layer_uses_the_standard_library_only(location: str) -> None:
    paths = (ROOT / location).rglob("*.py") if (ROOT / location).is_dir() else [ROOT / location]
    roots = {module.split(".")[0] for path in paths for module in imports(path)}
    assert roots <= sys.stdlib_module_names | {"shared", "msgspec"}


def test_the_domain_uses_no_clock_and_no_randomness() -> None:
    used = {m for path in (ROOT / "shared/domain").rglob("*.py") for m in imports(path)}
    assert not {m.split(".")[0] for m in used} & {"time", "datetime", "random", "asyncio", "uuid"}


def test_no_modules_import_each_other_in_a_circle() -> None:
    names = {module_of(path) for path in SOURCES}
    graph = TopologicalSorter[str]()
    for path in SOURCES:
        for imported in imports(path):
            target = imported if imported in names else imported.rpartition(".")[0]
            if target in names and target != module_of(path):
                graph.add(module_of(path), target)
    graph.prepare()  # raises CycleError, which names the circle


def module_of(path: Path) -> str:
    """The dotted name of the module at `path`."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")

"""The layers of the source: each package imports only what it may."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path for folder in ("functions", "shared", "infra") for path in (ROOT / folder).rglob("*.py")
)

ALLOWED_IMPORTS = {
    "shared/domain": {"shared.domain"},
    "shared/ports.py": {"shared.domain"},
    "shared/errors.py": set(),
    "shared/clock.py": {"shared.domain"},
    "shared/representation.py": {"shared.domain", "shared.instants"},
    "shared/instants.py": {"shared.domain"},
    "shared/slices.py": set(),
    "shared/snapshot.py": {"shared.domain"},
    "shared/access": {"shared.domain", "shared.ports", "shared.errors", "shared.access"},
    "shared/audit": {
        "shared.domain",
        "shared.ports",
        "shared.errors",
        "shared.instants",
        "shared.slices",
        "shared.snapshot",
        "shared.audit",
    },
    "shared/store": {
        "shared.domain",
        "shared.ports",
        "shared.errors",
        "shared.clock",
        "shared.metrics.ports",
        "shared.snapshot",
        "shared.audit.entries",
        "shared.audit.ports",
        "shared.realtime.ports",
        "shared.slices",
        "shared.store",
    },
    "shared/realtime": {
        "shared.domain",
        "shared.errors",
        "shared.metrics.ports",
        "shared.ports",
        "shared.representation",
        "shared.realtime",
    },
    "shared/aws": {"shared.aws"},
    "shared/alarms": {
        "shared.domain",
        "shared.ports",
        "shared.clock",
        "shared.aws",
        "shared.alarms",
    },
    "shared/metrics": {"shared.metrics"},
    "shared/announcers.py": {"shared.ports", "shared.tasks"},
    "shared/drafts.py": {
        "shared.domain",
        "shared.ports",
        "shared.realtime.messages",
        "shared.representation",
    },
    "shared/recovery.py": {
        "shared.domain",
        "shared.audit.ports",
        "shared.drafts",
        "shared.ports",
        "shared.errors",
        "shared.used_ids",
    },
    "shared/used_ids.py": {
        "shared.domain",
        "shared.audit.ports",
        "shared.ports",
        "shared.errors",
    },
    "shared/recall.py": {"shared.domain", "shared.audit.ports", "shared.ports", "shared.errors"},
    "shared/history.py": {
        "shared.access.permits",
        "shared.domain",
        "shared.audit.ports",
        "shared.ports",
        "shared.errors",
        "shared.slices",
    },
    "shared/current_state.py": {
        "shared.access.permits",
        "shared.domain",
        "shared.drafts",
        "shared.ports",
        "shared.errors",
        "shared.recovery",
    },
    "shared/wakeups.py": {
        "shared.current_state",
        "shared.domain",
        "shared.drafts",
        "shared.ports",
        "shared.errors",
    },
    "shared/session_service.py": {
        "shared.access.permits",
        "shared.current_state",
        "shared.domain",
        "shared.drafts",
        "shared.ports",
        "shared.errors",
        "shared.recall",
        "shared.session_limits",
        "shared.turns",
    },
    "shared/session_limits.py": {"shared.domain", "shared.ports", "shared.errors"},
    "shared": {"shared"},
    "functions": {"shared", "functions"},
    "infra": {"shared", "functions", "infra"},
}
STANDARD_LIBRARY_ONLY = (
    "shared/domain",
    "shared/ports.py",
    "shared/audit/ports.py",
    "shared/realtime/ports.py",
    "shared/errors.py",
)


def imports(path: Path) -> Iterator[str]:
    """All modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def allowed_imports(path: Path) -> set[str]:
    """The project's modules that a file may import: by its own rule or its nearest folder's."""
    location = path.relative_to(ROOT)
    return next(
        ALLOWED_IMPORTS[str(p)] for p in (location, *location.parents) if str(p) in ALLOWED_IMPORTS
    )


def is_under(module: str, packages: set[str]) -> bool:
    """Whether `module` is one of `packages` or inside one."""
    return any(module == p or module.startswith(f"{p}.") for p in packages)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_point_down(path: Path) -> None:
    own_modules = {
        m for m in imports(path) if m.split(".")[0] in ("functions", "shared", "infra", "tests")
    }
    assert {
        module for module in own_modules if not is_under(module, allowed_imports(path))
    } == set()


@pytest.mark.parametrize("location", STANDARD_LIBRARY_ONLY)
def test_the_lowest_layer_uses_the_standard_library_only(location: str) -> None:
    paths = (ROOT / location).rglob("*.py") if (ROOT / location).is_dir() else [ROOT / location]
    roots = {module.split(".")[0] for path in paths for module in imports(path)}
    assert roots <= sys.stdlib_module_names | {"shared"}


def test_the_domain_uses_no_clock_and_no_randomness() -> None:
    used = {m for path in (ROOT / "shared/domain").rglob("*.py") for m in imports(path)}
    assert not {m.split(".")[0] for m in used} & {"time", "datetime", "random", "asyncio", "uuid"}

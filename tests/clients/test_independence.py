"""The Python client is a package of its own: it knows nothing of the server's code."""

import ast
from pathlib import Path

import synckairos

_OURS = {"functions", "infra", "shared", "tests"}


def test_it_imports_nothing_of_the_server() -> None:
    roots = set()
    for path in Path(synckairos.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                roots |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                roots.add((node.module or "").split(".")[0])
    assert "synckairos" in roots
    assert not roots & _OURS

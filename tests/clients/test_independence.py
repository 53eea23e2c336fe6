"""The Python client is an independent package: it imports no code of the server."""

import ast
from pathlib import Path

import synckairos

_SERVER_PACKAGES = {"functions", "infra", "shared", "tests"}


def test_the_client_imports_no_code_of_the_server() -> None:
    roots = set()
    for path in Path(synckairos.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                roots |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                roots.add((node.module or "").split(".")[0])
    assert "synckairos" in roots
    assert not roots & _SERVER_PACKAGES

"""Runs inside a function, after its handler was imported: imports what it would import later."""

import ast
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path


def ours() -> set[str]:
    """Our modules that have been imported."""
    return {name for name in sys.modules if name.partition(".")[0] in ("functions", "shared")}


def imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import that can happen at run time."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            yield from imports(node)


def run(statement: ast.Import | ast.ImportFrom) -> None:
    """Import what the statement names, submodules included."""
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            import_module(alias.name)
    else:
        module = import_module(statement.module or "")
        for alias in statement.names:
            if not hasattr(module, alias.name):
                import_module(f"{statement.module}.{alias.name}")


done: set[str] = set()
while waiting := ours() - done:
    done |= waiting
    for name in waiting:
        for found in imports(ast.parse(Path(sys.modules[name].__file__ or "").read_text())):
            run(found)
sys.stdout.write("\n".join(ours()))

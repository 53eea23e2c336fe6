"""Imports all modules that functions import at any time, each function in its own process.

It runs under `LocalBuild.start` without a function, so only the layer can be imported at first.

The layer's modules are imported once, before the processes fork. This makes each process five
times as fast, and changes nothing, because all functions have the same layer.
"""

import ast
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path


def own_modules() -> set[str]:
    """Return the imported modules of `functions` and `shared`."""
    return {name for name in sys.modules if name.partition(".")[0] in ("functions", "shared")}


def import_statements(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield every import statement that can run, so none under `TYPE_CHECKING`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            yield from import_statements(node)


def execute_import(statement: ast.Import | ast.ImportFrom) -> None:
    """Import the modules that the statement names, and those among the imported names."""
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            import_module(alias.name)
    else:
        module = import_module(statement.module or "")
        for alias in statement.names:
            if not hasattr(module, alias.name):
                import_module(f"{statement.module}.{alias.name}")


def import_all(handlers: str, folder: str) -> list[str]:
    """Import a handler and all that its modules import later; return the own modules."""
    sys.path.insert(0, folder)
    import_module(handlers)
    done: set[str] = set()
    while pending := own_modules() - done:
        done |= pending
        for name in pending:
            for statement in import_statements(
                ast.parse(Path(sys.modules[name].__file__ or "").read_text())
            ):
                execute_import(statement)
    return sorted(own_modules())


def third_party_modules(handlers: str, folder: str) -> list[str]:
    """Import a handler; return the newly imported modules that are not own modules."""
    before = set(sys.modules)
    sys.path.insert(0, folder)
    import_module(handlers)
    return [name for name in sys.modules if name not in before | own_modules()]


def run_in_fork(
    work: Callable[[str, str], list[str]], handlers: str, folder: str
) -> list[str] | None:
    """Run `work` in a forked process; return its result, or None if it raised."""
    receiving, sending = os.pipe()
    if os.fork() == 0:
        os.close(receiving)
        try:
            names = work(handlers, folder)
            with os.fdopen(sending, "w") as sink:
                json.dump(names, sink)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(0)
    os.close(sending)
    with os.fdopen(receiving) as source:
        text = source.read()
    os.wait()
    return [str(name) for name in json.loads(text)] if text else None


def main(functions: Mapping[str, tuple[str, str]], layer_is_of: str) -> None:
    """Print one line of JSON for each function: its name, and the own modules that it imported.

    `functions` has the module of each handler and the folder of the function. If an import
    fails, the modules are null, and the traceback is on the lines before.
    """
    for name in run_in_fork(third_party_modules, *functions[layer_is_of]) or []:
        import_module(name)
    for function, where in functions.items():
        print(json.dumps([function, run_in_fork(import_all, *where)]), flush=True)

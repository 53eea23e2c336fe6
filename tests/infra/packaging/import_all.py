"""Imports everything that functions would ever import, each function in a process of its own.

It runs as `LocalBuild.start` runs a function's code, where only the layer can be imported.

What is imported from the layer is imported once, before the processes fork. That makes each of
them five times as quick and changes nothing: all functions have the same layer.
"""

import ast
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
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


def import_all(handlers: str, folder: str) -> list[str]:
    """Import a function's handler and then what its modules import later; all our modules."""
    sys.path.insert(0, folder)
    import_module(handlers)
    done: set[str] = set()
    while waiting := ours() - done:
        done |= waiting
        for name in waiting:
            for found in imports(ast.parse(Path(sys.modules[name].__file__ or "").read_text())):
                run(found)
    return sorted(ours())


def names_of_others(handlers: str, folder: str) -> list[str]:
    """The modules that are not ours and that a handler imports."""
    before = set(sys.modules)
    sys.path.insert(0, folder)
    import_module(handlers)
    return [name for name in sys.modules if name not in before | ours()]


def in_a_fork(
    work: Callable[[str, str], list[str]], handlers: str, folder: str
) -> list[str] | None:
    """What `work` returns in a process of its own, or None where it raises."""
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
    """Print one line of JSON for each function: its name, and which of our modules it imported.

    `functions` has the module of each handler and the folder of the function. Where an import
    fails, null takes the place of the modules, and the traceback comes on the lines before.
    """
    for name in in_a_fork(names_of_others, *functions[layer_is_of]) or []:
        import_module(name)
    for function, where in functions.items():
        print(json.dumps([function, in_a_fork(import_all, *where)]), flush=True)

"""`python -m infra.docs.settings_table`: print the table of docs/settings.md from the code.

The meaning of a setting is the docstring below its field in shared/settings/settings.py.
"""

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from shared.settings import settings

_CLASS = "Settings"


def settings_table() -> str:
    """Return the settings as a Markdown table: variable, meaning, default.

    Raises `ValueError` for a field without a docstring.
    """
    rows = (_row(f"`{name.upper()}`", *cells) for name, *cells in _fields())
    return "\n".join([_row("variable", "meaning", "default"), _row("---", "---", "---"), *rows])


def _fields() -> Iterator[tuple[str, str, str]]:
    """Yield the name, meaning and default of each field."""
    for statement, following in pairwise(_body()):
        match statement, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str() as docstring)),
            ):
                yield name, " ".join(docstring.split()), _default(name)
            case ast.AnnAssign(target=ast.Name(id=name)), _:
                raise ValueError(f"{name} of {_CLASS} has no docstring")


def _body() -> list[ast.stmt]:
    module = ast.parse(Path(settings.__file__).read_text())
    return next(s for s in module.body if isinstance(s, ast.ClassDef) and s.name == _CLASS).body


def _default(name: str) -> str:
    default = settings.Settings.model_fields[name].default
    return "not set" if default in (None, []) else f"`{default}`"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(settings_table())

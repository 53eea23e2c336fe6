"""`python -m functions.tools.rights`: the rights table of docs/security.md, as the code has it."""

from collections.abc import Iterator

from shared.access.callers import Role
from shared.access.rights import RIGHTS, Operation, Reach

_SHOWN = {
    Reach.ANYWHERE: "any",
    Reach.OWN: "own",
    Reach.NAMED: "its one",
    Reach.ON_MOVE: "its one, on move",
    Reach.IF_ALLOWED: "its one, if allowed",
}


def table() -> str:
    """The table in Markdown: operations down, roles across."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield _row("", *Role)
    yield _row("---", *("---" for _ in Role))
    for operation in Operation:
        yield _row(operation, *(_cell(role, operation) for role in Role))


def _cell(role: Role, operation: Operation) -> str:
    reach = RIGHTS[role].get(operation)
    return _SHOWN[reach] if reach else ""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(table())

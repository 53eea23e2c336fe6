"""`python -m infra.docs.rights_table`: print the rights table of docs/security.md from the code."""

from collections.abc import Iterator

from shared.access.callers import Role
from shared.access.rights import RIGHTS, Operation, Reach

_LABELS = {
    Reach.ANYWHERE: "any",
    Reach.OWN: "own",
    Reach.NAMED: "its one",
    Reach.ON_MOVE: "its one, on move",
    Reach.IF_ALLOWED: "its one, if allowed",
}


def rights_table() -> str:
    """Return the rights as a Markdown table: one row per operation, one column per role."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield _row("", *Role)
    yield _row("---", *("---" for _ in Role))
    for operation in Operation:
        yield _row(operation, *(_cell(role, operation) for role in Role))


def _cell(role: Role, operation: Operation) -> str:
    reach = RIGHTS[role].get(operation)
    return _LABELS[reach] if reach else ""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(rights_table())

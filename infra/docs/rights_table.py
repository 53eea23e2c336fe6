"""`python -m infra.docs.rights_table`: print the rights table of docs/security.md from the code."""

from collections.abc import Iterator

from shared.application.authorization import RIGHTS, Operation, Role, Scope

_LABELS = {
    Scope.ANYWHERE: "any",
    Scope.OWN: "own",
    Scope.TOKEN_SESSION: "token's",
    Scope.WHILE_ACTIVE: "token's, while active",
    Scope.IF_SESSION_ALLOWS: "token's, if allowed",
    Scope.OWN_CLOCK: "token's, own clock",
    Scope.GIFTS: "token's, gifts if allowed",
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
    scope = RIGHTS[role].get(operation)
    return _LABELS[scope] if scope else ""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(rights_table())

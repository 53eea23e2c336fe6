"""Asking a person before something is done that can't be undone."""


def agrees(question: str) -> bool:
    """Whether who sits there says yes; one who says nothing doesn't."""
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        return False
    return answer.strip().lower() in ("y", "yes")

"""Ask for confirmation on the terminal."""


def confirm(question: str) -> bool:
    """Return whether the user answers yes; the default and end of input count as no."""
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        return False
    return answer.strip().lower() in ("y", "yes")

"""Print tables that stay readable when the output is not a terminal."""

from rich.console import Console


def wide_console(min_width: int = 120) -> Console:
    """Return a console of the terminal's width, but of at least `min_width` characters."""
    console = Console(highlight=False)
    return Console(highlight=False, width=max(min_width, console.width))

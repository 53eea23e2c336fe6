"""Progress output of a release, and its confirmation."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from infra.confirm import confirm
from infra.deployment.release_errors import ReleaseRefused


class ProgressReporter:
    """Prints the steps of a release and their durations."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show step `name` as running until the end of the block, then as done or failed."""
        started = time.monotonic()
        try:
            with self._console.status(f"{name} ..."):
                yield
        except BaseException:
            self._console.print(f"[red]✗[/] {name}")
            raise
        self._console.print(f"[green]✓[/] {name} [dim]{time.monotonic() - started:.1f} s[/]")

    def note(self, text: str) -> None:
        """Print a detail of the running step."""
        self._console.print(f"  [dim]{text}[/]")

    def say(self, text: str) -> None:
        """Print a line."""
        self._console.print(text, markup=False, soft_wrap=True)


def require_confirmation(question: str, *, is_given: bool) -> None:
    """Ask for confirmation, unless it `is_given`.

    Raises `ReleaseRefused` without it or a terminal.
    """
    if is_given:
        return
    if not sys.stdin.isatty():
        raise ReleaseRefused(f"{question} There is no terminal to ask on: confirm with --yes.")
    if not confirm(question):
        raise ReleaseRefused("Not confirmed; nothing was changed.")

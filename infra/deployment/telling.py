"""What a person is told while a release goes on, and what they are asked."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from infra.consent import agrees
from infra.deployment.failure import Refused


class Teller:
    """Steps with how long each took."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """`name` is under way to the end of the block."""
        begun = time.monotonic()
        try:
            with self._console.status(f"{name} ..."):
                yield
        except BaseException:
            self._console.print(f"[red]✗[/] {name}")
            raise
        self._console.print(f"[green]✓[/] {name} [dim]{time.monotonic() - begun:.1f} s[/]")

    def note(self, words: str) -> None:
        """Something about the step that is under way."""
        self._console.print(f"  [dim]{words}[/]")

    def say(self, words: str) -> None:
        """A sentence."""
        self._console.print(words, markup=False, soft_wrap=True)


def require_consent(question: str, *, is_given: bool) -> None:
    """Ask, unless consent `is_given`. Raises `Refused` where it isn't, or nobody can be asked."""
    if is_given:
        return
    if not sys.stdin.isatty():
        raise Refused(f"{question} Nobody is there to ask: --yes says that you agree.")
    if not agrees(question):
        raise Refused("Not agreed to; nothing was changed.")

"""How to run the functions."""

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

_ROOT = Path(__file__).parents[3]


def in_checkout(_: str) -> Path:
    """The code of every function is what is checked out."""
    return _ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Everything that has a sensible default."""

    file: Path = _ROOT / "serverless.yml"
    stage: str = "dev"
    """Whose parameters of serverless.yml hold."""
    port: int | None = None
    """Where the gateway listens; a free port if it is not said."""
    code: Callable[[str], Path] = in_checkout
    """The folder of a function's code, by its name: it becomes the working directory."""
    python: Path = Path(sys.executable)
    python_path: Sequence[Path] = ()
    """Folders of what a function imports besides, such as the layer. With another Python or
    packages of its own, `awslambdaric` must be among it."""
    limit: int = 3
    """How many instances of a function there may be at once, if serverless.yml says no less."""
    limits: Mapping[str, int] = field(default_factory=dict)
    """The same for single functions."""
    patience_s: float = 29.0
    """How long a request may wait for an instance; an HTTP API gives up after thirty seconds."""
    warm: Collection[str] = ()
    """Functions of which one instance is started beforehand."""
    schedule_speed: float = 1.0
    """How many times faster than real time schedules go; 0 for never."""
    parameter_store: bool = True
    """Whether functions find secrets where AWS keeps them, or else in their environment."""
    log: TextIO | None = None
    """Where the functions' output goes; by default nowhere."""

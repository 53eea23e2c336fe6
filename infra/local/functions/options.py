"""Options of a local run."""

import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

_ROOT = Path(__file__).parents[3]


def repository_root(_: str) -> Path:
    """Return the repository's root, which is every function's code folder by default."""
    return _ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRunOptions:
    """Options of a local run."""

    file: Path = _ROOT / "serverless.yml"
    stage: str = "dev"
    """Stage whose parameters in serverless.yml are used."""
    port: int | None = None
    """The gateway's port; `None`: a free one."""
    code: Callable[[str], Path] = repository_root
    """Returns a function's code folder, which becomes its working directory, by its name."""
    python: Path = Path(sys.executable)
    """The interpreter; `awslambdaric` must be importable by it or from `python_path`."""
    python_path: Sequence[Path] = ()
    """Additional import folders of the functions, such as the layer's."""
    timeout_s: float = 29.0
    """Seconds that a request may wait for an instance (an HTTP API times out after 30 s)."""
    warm: Collection[str] = ()
    """Functions to start in advance: one instance for each time that a name occurs."""
    schedule_speed: float = 1.0
    """Speed of schedules in multiples of real time; 0 turns them off."""
    log: TextIO | None = None
    """Receives the functions' output; `None` discards it."""

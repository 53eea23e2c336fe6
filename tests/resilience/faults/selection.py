"""Which faults are tried: some in every run, all with `FAULTS=full`."""

import os
from collections.abc import Sequence
from typing import TypeVar

from tests.resilience.faults.faults import Fault, Loss

T = TypeVar("T")

IS_FULL = os.environ.get("FAULTS") == "full"


def chosen(*always: T, full: Sequence[T] = ()) -> list[T]:
    """Those of this run."""
    return [*always, *(full if IS_FULL else ())]


def name_of(fault: Fault | Loss) -> str:
    """What a test's id says."""
    return fault.name.lower()

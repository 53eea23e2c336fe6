"""Choose the faults to test: some in every run, all with `FAULTS=full`."""

import os
from collections.abc import Sequence
from typing import TypeVar

from tests.support.fault_proxy.faults import Fault, Loss

T = TypeVar("T")

IS_FULL = os.environ.get("FAULTS") == "full"


def chosen(*always: T, full: Sequence[T] = ()) -> list[T]:
    """Return `always`, and with `FAULTS=full` those in `full` too."""
    return [*always, *(full if IS_FULL else ())]


def name_of(fault: Fault | Loss) -> str:
    """Return the fault's name for a test id."""
    return fault.name.lower()

"""One build at a time in a checkout: all builds write to the same folders."""

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from infra.packaging.manifest import ROOT

_FILE = ROOT / ".build" / "packages.lock"


@contextmanager
def locked_build() -> Iterator[None]:
    """Lock the packages and the template of this checkout until the end of the block.

    If another process has locked them, say so on standard error and wait. The system unlocks them
    when the process ends, however it ends.
    """
    _FILE.parent.mkdir(exist_ok=True)
    with _FILE.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("package: waiting for another build in this checkout ...", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield

"""`make image-check`: build the real Dockerfile and put the image through its paces.

Its bases are local stand-ins made of Debian's packages, so that no registry of images is needed.
Ends with 0 when the image is good, or can't be built on this machine; with REQUIRE_ALL=1 the
latter is a failure too.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from infra.image import check
from infra.image.build import bases, build
from infra.image.buildah import alone
from infra.image.failure import CannotBuildHere, ImageFailed
from infra.image.programs import require
from infra.local.postgres import PostgresFailed, embedded_postgres
from infra.local.redis import embedded_redis

_INTERRUPTED = 130

console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    """Build and check; returns the exit code."""
    argparse.ArgumentParser(prog="python -m infra.image", description=__doc__).parse_args()
    began = time.monotonic()
    try:
        require("buildah", "apt-get", "dpkg-deb", "git")
        with alone():
            _check()
    except CannotBuildHere as reason:
        console.print(f"image-check: skipped: {reason}", markup=False)
        return 1 if os.environ.get("REQUIRE_ALL") == "1" else 0
    except KeyboardInterrupt:
        console.print("image-check: interrupted; what was built so far stays for the next time")
        return _INTERRUPTED
    except (ImageFailed, PostgresFailed) as failure:
        console.print(f"image-check: {failure}", markup=False)
        return 1
    console.print(
        f"image-check: good, in {time.monotonic() - began:.0f} s. Its bases were stand-ins made of"
        " Debian's packages: the real ones' digests and exact sizes are not proved by this."
    )
    return 0


def _check() -> None:
    with _step("stand-ins for the bases, from Debian's packages"):
        stand_ins = bases()
    with _step("the Dockerfile"):
        build(stand_ins)
    with _step("configuration"):
        check.configuration(_tell)
    with _step("files"):
        check.files(_tell)
    with _step("compressed"):
        check.compressed(_tell)
    with _step("at work"), embedded_redis() as redis, embedded_postgres() as postgres:
        check.work(redis, postgres.url, _tell)


@contextmanager
def _step(name: str) -> Iterator[None]:
    began = time.monotonic()
    with console.status(f"{name} ..."):
        yield
    console.print(f"[green]✓[/] {name} [dim]{time.monotonic() - began:.1f} s[/]")


def _tell(line: str) -> None:
    console.print(f"  {line}", markup=False)


if __name__ == "__main__":
    sys.exit(main())

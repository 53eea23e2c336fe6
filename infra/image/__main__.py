"""`make image-check`: build the Dockerfile and test the image.

The base images are local stand-ins made of Debian packages, so that no image registry is needed.
The exit code is 0 if the image passes, or if this machine can't build images; with REQUIRE_ALL=1
the latter is a failure.
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
    """Build and check the image; return the exit code."""
    argparse.ArgumentParser(prog="python -m infra.image", description=__doc__).parse_args()
    started = time.monotonic()
    try:
        require("buildah", "apt-get", "dpkg-deb", "git")
        with alone():
            _check()
    except CannotBuildHere as reason:
        console.print(f"image-check: skipped: {reason}", markup=False)
        return 1 if os.environ.get("REQUIRE_ALL") == "1" else 0
    except KeyboardInterrupt:
        console.print("image-check: interrupted; the layers built so far are kept")
        return _INTERRUPTED
    except (ImageFailed, PostgresFailed) as failure:
        console.print(f"image-check: {failure}", markup=False)
        return 1
    console.print(
        f"image-check: passed in {time.monotonic() - started:.0f} s. The base images were stand-ins"
        " made of Debian packages: digests and exact sizes of the real ones are not checked."
    )
    return 0


def _check() -> None:
    with _step("stand-ins for the base images, from Debian packages"):
        stand_ins = bases()
    with _step("build of the Dockerfile"):
        build(stand_ins)
    with _step("configuration"):
        check.configuration(_print_detail)
    with _step("files"):
        check.files(_print_detail)
    with _step("compressed size"):
        check.compressed(_print_detail)
    with _step("running"), embedded_redis() as redis, embedded_postgres() as postgres:
        check.work(redis, postgres.url, _print_detail)


@contextmanager
def _step(name: str) -> Iterator[None]:
    started = time.monotonic()
    with console.status(f"{name} ..."):
        yield
    console.print(f"[green]✓[/] {name} [dim]{time.monotonic() - started:.1f} s[/]")


def _print_detail(line: str) -> None:
    console.print(f"  {line}", markup=False)


if __name__ == "__main__":
    sys.exit(main())

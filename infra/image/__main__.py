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

from infra.image import image_checks
from infra.image.build import build, build_stand_ins
from infra.image.buildah import locked_store
from infra.image.image_errors import CannotBuildHere, ImageCheckFailed
from infra.image.subprocesses import require_programs
from infra.local.postgres import PostgresError, embedded_postgres
from infra.local.redis import embedded_redis

_INTERRUPTED = 130

console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    """Build and check the image; return the exit code."""
    argparse.ArgumentParser(prog="python -m infra.image", description=__doc__).parse_args()
    started = time.monotonic()
    try:
        require_programs("buildah", "apt-get", "dpkg-deb", "git")
        with locked_store():
            _check()
    except CannotBuildHere as reason:
        console.print(f"image-check: skipped: {reason}", markup=False)
        return 1 if os.environ.get("REQUIRE_ALL") == "1" else 0
    except KeyboardInterrupt:
        console.print("image-check: interrupted; the layers built so far are kept")
        return _INTERRUPTED
    except (ImageCheckFailed, PostgresError) as failure:
        console.print(f"image-check: {failure}", markup=False)
        return 1
    console.print(
        f"image-check: passed in {time.monotonic() - started:.0f} s. The base images were stand-ins"
        " made of Debian packages: digests and exact sizes of the real ones are not checked."
    )
    return 0


def _check() -> None:
    with _step("stand-ins for the base images, from Debian packages"):
        stand_ins = build_stand_ins()
    with _step("build of the Dockerfile"):
        build(stand_ins)
    with _step("configuration"):
        image_checks.check_configuration(_print_detail)
    with _step("files"):
        image_checks.check_files(_print_detail)
    with _step("compressed size"):
        image_checks.report_compressed_size(_print_detail)
    with _step("running"), embedded_redis() as redis, embedded_postgres() as postgres:
        image_checks.check_running(redis, postgres.url, _print_detail)


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

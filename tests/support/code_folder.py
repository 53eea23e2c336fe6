"""The service run from a copy of its code, which is laid out as in an image."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.console.build import build_console
from infra.local.instance import Instance, running

_ROOT = Path(__file__).parents[2]
_IGNORED = shutil.ignore_patterns("__pycache__", "node_modules", "tests")


@contextmanager
def running_copy(
    redis_url: str, folder: Path, *, is_built: bool, **settings: str
) -> Iterator[Instance]:
    """Copy the service into `folder` and run it, with the built console or its sources."""
    _copy(folder, is_built=is_built)
    module = "tests.support.copied_server"
    more = {"CODE": str(folder), **settings}
    with running(redis_url, module=module, port=None, quiet=False, **more) as instance:
        yield instance


def _copy(folder: Path, *, is_built: bool) -> None:
    for name in ("functions", "shared", "clients/js"):
        shutil.copytree(_ROOT / name, folder / name, ignore=_IGNORED)
    console = folder / "clients" / "console"
    if is_built:
        build_console(console)
    else:
        shutil.copytree(_ROOT / "clients" / "console", console)

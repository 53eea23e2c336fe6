"""Distributions as wheels lay them down, short of what nothing reads at run time."""

import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Literal

import uv
from packaging.utils import NormalizedName, canonicalize_name

from infra.packaging.failure import PackagingFailed

Platform = Literal["lambda", "host"]

_PLATFORM_OPTIONS: dict[Platform, list[str]] = {
    "lambda": ["--python-platform", "aarch64-manylinux_2_28"],
    "host": [],
}
_NOT_CODE = {".pyi", ".typed", ".c", ".h", ".pyx", ".pxd"}
_NOT_FOR_USE = {"test", "tests", "docs", "bin", "__pycache__"}
_OLD_PYDANTIC = Path("pydantic/v1")
"""FastAPI looks here for models that it must refuse, at 25 ms of every cold start; absent, it knows
that there are none.
"""

_OF_METADATA = {"METADATA", "entry_points.txt", "licenses"}
"""What importlib.metadata answers from, and what the licences ask to be passed on."""


def install(pins: Iterable[str], platform: Platform, into: Path) -> None:
    """Lay these distributions into a folder. Raises `PackagingFailed` if one can't be had."""
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--target", str(into)]
    command += ["--python-version", "3.12", "--only-binary", ":all:", "--no-deps"]
    command += [*_PLATFORM_OPTIONS[platform], *sorted(pins)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise PackagingFailed(f"The dependencies can't be had as wheels: {ran.stderr.strip()}")


def files_by_distribution(folder: Path) -> dict[NormalizedName, list[Path]]:
    """What to ship of each distribution in `folder`, relative to it."""
    return {
        canonicalize_name(found.name): [
            path for file in found.files or [] if _is_wanted(path := Path(file))
        ]
        for found in metadata.distributions(path=[str(folder)])
    }


def _is_wanted(path: Path) -> bool:
    if path.parts[0].endswith(".dist-info"):
        return path.parts[1] in _OF_METADATA
    if path.is_relative_to(_OLD_PYDANTIC):
        return False
    return path.suffix not in _NOT_CODE and not _NOT_FOR_USE.intersection(path.parts[:-1])

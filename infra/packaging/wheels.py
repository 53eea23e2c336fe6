"""Install wheels into a folder and select the files that are needed at run time."""

import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Literal

import uv
from packaging.utils import NormalizedName, canonicalize_name

from infra.packaging.manifest import PYTHON_VERSION
from infra.packaging.packaging_errors import PackagingFailed

Platform = Literal["lambda", "host"]

_PLATFORM_OPTIONS: dict[Platform, list[str]] = {
    "lambda": ["--python-platform", "aarch64-manylinux_2_28"],
    "host": [],
}
_EXCLUDED_SUFFIXES = {".pyi", ".typed", ".c", ".h", ".pyx", ".pxd"}
_EXCLUDED_FOLDERS = {"test", "tests", "docs", "bin", "__pycache__"}
_PYDANTIC_V1 = Path("pydantic/v1")
"""FastAPI imports it to reject its models, which takes 25 ms of every cold start. Without the
folder FastAPI skips this check.
"""

_METADATA_FILES = {"METADATA", "entry_points.txt", "licenses"}
"""The files that importlib.metadata reads, and the licences, which must be distributed."""


def install(pins: Iterable[str], platform: Platform, into: Path) -> None:
    """Install pinned distributions into a folder. Raises `PackagingFailed` if one has no wheel."""
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--target", str(into)]
    command += ["--python-version", PYTHON_VERSION, "--only-binary", ":all:", "--no-deps"]
    command += [*_PLATFORM_OPTIONS[platform], *sorted(pins)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise PackagingFailed(f"Installing the wheels failed: {result.stderr.strip()}")


def files_by_distribution(folder: Path) -> dict[NormalizedName, list[Path]]:
    """Return the needed files of each distribution in `folder`, relative to it."""
    return {
        canonicalize_name(found.name): [
            path for file in found.files or [] if _is_needed(path := Path(file))
        ]
        for found in metadata.distributions(path=[str(folder)])
    }


def _is_needed(path: Path) -> bool:
    if path.parts[0].endswith(".dist-info"):
        return path.parts[1] in _METADATA_FILES
    if path.is_relative_to(_PYDANTIC_V1):
        return False
    excluded = _EXCLUDED_FOLDERS.intersection(path.parts[:-1])
    return path.suffix not in _EXCLUDED_SUFFIXES and not excluded

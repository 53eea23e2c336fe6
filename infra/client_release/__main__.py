"""`make release`: build both client packages as they are published, and check them.

The packages are in `.build/release/` afterwards. Nothing is uploaded.
"""

import hashlib
import shutil
import sys
from pathlib import Path

from rich.console import Console

from infra.client_release.packages import (
    ReleaseCheckFailed,
    build_javascript,
    build_python,
    check_javascript,
    check_python,
)
from infra.deployment.progress import ProgressReporter
from shared import VERSION

_ROOT = Path(__file__).parents[2]
RELEASE = _ROOT / ".build" / "release"


def main() -> int:
    """Build and check the packages; return the exit code."""
    tell = ProgressReporter(Console(highlight=False, soft_wrap=True))
    shutil.rmtree(RELEASE, ignore_errors=True)
    RELEASE.mkdir(parents=True)
    try:
        with tell.step(f"JavaScript package {VERSION}"):
            archive = build_javascript(_ROOT, RELEASE)
        with tell.step("publint, and the types as each module system finds them"):
            check_javascript(archive)
        with tell.step(f"Python package {VERSION}"):
            distributions = build_python(_ROOT, RELEASE)
        with tell.step("twine check"):
            check_python(distributions)
    except ReleaseCheckFailed as failure:
        tell.say(str(failure))
        return 1
    for file in (archive, *distributions):
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        tell.say(f"  {file.relative_to(_ROOT)}  {file.stat().st_size // 1024} KiB  sha256 {digest}")
    tell.say("Nothing was uploaded. CONTRIBUTING.md says how a release is published.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`make image-check` on a machine that can't build images."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.image.buildah import ROOT


@pytest.mark.parametrize(("required", "code"), [("0", 0), ("1", 1)])
def test_without_build_tools_the_check_is_skipped_visibly_and_fails_with_require_all(
    tmp_path: Path, required: str, code: int
) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "infra.image"],
        cwd=ROOT,
        env=os.environ | {"PATH": str(tmp_path), "REQUIRE_ALL": required},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == code, result.stderr
    assert "image-check: skipped: buildah and apt-get" in result.stdout
    assert "passed" not in result.stdout

"""`make image-check` where it can't be done."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.image.buildah import ROOT


@pytest.mark.parametrize(("required", "code"), [("0", 0), ("1", 1)])
def test_where_no_image_can_be_built_it_is_skipped_visibly_or_fails_where_all_is_required(
    tmp_path: Path, required: str, code: int
) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "infra.image"],
        cwd=ROOT,
        env=os.environ | {"PATH": str(tmp_path), "REQUIRE_ALL": required},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == code, ran.stderr
    assert "image-check: skipped: buildah and apt-get" in ran.stdout
    assert "passed" not in ran.stdout

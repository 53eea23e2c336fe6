"""The image built from the Dockerfile passes `make image-check`."""

import os
import subprocess
import sys

import pytest

from infra.image.buildah import ROOT
from tests.conftest import missing


@pytest.fixture(scope="module")
def checked() -> subprocess.CompletedProcess[str]:
    """The finished check."""
    result = subprocess.run(
        [sys.executable, "-m", "infra.image"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "REQUIRE_ALL"},
        capture_output=True,
        text=True,
        check=False,
    )
    if "skipped: " in result.stdout:
        missing(result.stdout.partition("skipped: ")[2].strip())
    return result


def test_the_image_passes_the_check(checked: subprocess.CompletedProcess[str]) -> None:
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "image-check: passed" in checked.stdout


@pytest.mark.parametrize(
    "finding",
    [
        "no shell, no package manager, no tests; no file is writable for the service",
        "without its secrets the service doesn't start, and names the missing ones",
        "infra.migrate: ",
        "ready with Redis and Postgres, healthy, running as user 65532",
        "s after SIGTERM (1 s of it to drain)",
    ],
)
def test_the_check_reports_each_result(
    checked: subprocess.CompletedProcess[str], finding: str
) -> None:
    assert finding in checked.stdout


def test_the_check_reports_that_the_base_images_were_stand_ins(
    checked: subprocess.CompletedProcess[str],
) -> None:
    assert "stand-ins" in checked.stdout.splitlines()[-1]

"""Builds in the same checkout, which write to the same folders, wait for each other."""

import subprocess
import sys

import pytest

from infra.packaging.manifest import ROOT


@pytest.mark.parametrize(
    "command",
    [
        ["infra.packaging"],
        ["infra.packaging", "--platform", "host"],
        ["infra.packaging.cold_starts"],
    ],
    ids=" ".join,
)
def test_a_build_waits_while_another_one_has_the_lock(build_lock: None, command: list[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as waiting:
        assert waiting.stdout
        try:
            said = waiting.stdout.readline()
        finally:
            waiting.kill()
    assert said == "package: waiting for another build in this checkout ...\n"

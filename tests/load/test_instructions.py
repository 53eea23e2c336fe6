"""`make load SCENARIO=instructions` counts the instructions of requests, and nothing else."""

import shutil
from pathlib import Path

import pytest

from tests.load.failure import LoadFailed
from tests.load.instructions import KINDS, instructions_of

ROOT = Path(__file__).parents[2]
needs_valgrind = pytest.mark.skipif(
    shutil.which("valgrind") is None, reason="valgrind is not installed"
)


@needs_valgrind
def test_a_change_takes_more_instructions_than_a_read() -> None:
    counted = instructions_of(ROOT, 20)
    assert set(counted) == set(KINDS)
    assert 50 < counted["read"] < min(counted["create"], counted["switch"]) < 5_000


def test_a_checkout_that_cannot_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LoadFailed, match=r"(?s)The requests failed: .*No module named 'functions'"):
        instructions_of(tmp_path, 1)

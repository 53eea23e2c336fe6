"""`make demo` plays a recorded game and reports its figures, or ends with one sentence."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

import pytest

from infra.local.instance import running
from infra.local.supabase import is_node_installed
from tests.conftest import missing
from tests.demo.__main__ import main
from tests.support import commands

_ROOT = Path(__file__).parents[2]
_COMMAND = (sys.executable, "-m", "tests.demo")
_ON_TIME, _BY_RESIGNATION = "0", "13"
_SPEED, _BANK_MS = "10", 6_000
"""Speed and time bank of the game that ends by resignation: a bank of 60 s at 10 times the speed
leaves a slow machine time for the shortest moves."""

_MAX_NOTICE_MS, _MAX_DISAGREEMENT_MS = 5_000, 300
"""The limits allow for a busy machine; `make demo` shows the figures of a quiet one."""


def demo(*options: str) -> subprocess.CompletedProcess[str]:
    command = [*_COMMAND, *options]
    return subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=300)


def figure(text: str, output: str) -> float:
    found = re.search(re.escape(text) + r"\D*?([\d.]+) ms", output)
    assert found, output
    return float(found[1])


@pytest.fixture(scope="module")
def url(redis_url: str) -> Iterator[str]:
    with running(redis_url) as instance:
        yield instance.url


def test_a_game_won_on_time_ends_with_a_timeout(url: str) -> None:
    result = demo("--game", _ON_TIME, "--url", url)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "White won on time: Black's flag fell;" in result.stdout
    assert figure("all five clients had the timeout", result.stdout) < _MAX_NOTICE_MS
    assert "60 times faster, via WebSocket" in result.stdout


def test_a_game_ends_with_both_figures_within_bounds(url: str) -> None:
    result = demo("--game", _BY_RESIGNATION, "--speed", _SPEED, "--url", url)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "White won (resignation) after 57 moves." in result.stdout
    assert figure("Largest disagreement between clients:", result.stdout) < _MAX_DISAGREEMENT_MS
    # Not tighter, because a busy machine delays the players' switches.
    assert figure("Largest difference from the recorded clocks:", result.stdout) < _BANK_MS


def test_on_functions_pushes_use_supabase_and_the_timeout_is_applied() -> None:
    if not is_node_installed():
        missing("Node")
    result = demo("--functions", "--game", _ON_TIME, "--speed", "15")
    assert (result.returncode, result.stderr) == (0, ""), result.stdout + result.stderr
    assert re.search("Starting the functions .* 11/11", result.stdout)
    assert "15 times faster, via Supabase Realtime" in result.stdout
    assert "White won on time: Black's flag fell;" in result.stdout
    assert figure("settled the timeout", result.stdout) < _MAX_NOTICE_MS
    assert figure("Largest disagreement between clients:", result.stdout) < _MAX_DISAGREEMENT_MS


def test_a_service_that_dies_ends_the_demo_with_one_sentence_and_exit_code_1(
    redis_url: str,
) -> None:
    with (
        running(redis_url) as instance,
        subprocess.Popen(
            [*_COMMAND, "--url", instance.url], cwd=_ROOT, stdout=PIPE, stderr=PIPE, text=True
        ) as playing,
    ):
        assert playing.stdout
        for line in playing.stdout:
            if line.startswith("move"):
                instance.process.kill()
        assert (playing.wait(), playing.stderr and playing.stderr.read()) == (1, "")
    assert line.endswith("the game can't continue.\n")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--game", "27"], "There is no game 27. Choose 0 to 26."),
        (["--url", "http://127.0.0.1:9"], "No service answers at http://127.0.0.1:9."),
        (
            ["--game", "13", "--speed", "61"],
            "At speed 61 each player has 984 ms instead of 60 s, but the service requires at least"
            " 1000 ms. Use --speed 60 or less.",
        ),
    ],
)
def test_invalid_options_end_the_demo_with_one_sentence_and_exit_code_1(
    options: list[str], sentence: str
) -> None:
    result = commands.run_main(main, *options)
    assert (result.returncode, result.stderr, result.stdout) == (1, "", sentence + "\n")

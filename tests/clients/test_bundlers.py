"""Applications that install the JavaScript library can be bundled without its optional packages."""

import json
import shutil
from pathlib import Path

import pytest

from infra.local.instance import Instance
from infra.local.npm import is_node_installed
from tests.clients.installing import BUNDLERS, LIBRARY, install_library, run
from tests.conftest import missing

_COMMANDS = {
    "esbuild": (
        *("esbuild", "application.js", "--bundle", "--format=esm", "--platform=node"),
        "--outfile=bundle.js",
    ),
    "vite": ("vite", "build"),
    "webpack": ("webpack", "--config", "webpack.config.js"),
}


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the library as it is published, and as a source folder without packages."""
    if not is_node_installed():
        missing("Node")
    folder = tmp_path_factory.mktemp("bundlers")
    shutil.copytree(LIBRARY, folder / "linked", ignore=shutil.ignore_patterns("node_modules"))
    install_library(folder).rename(folder / "packed")
    return folder


@pytest.fixture(params=["packed", "linked"])
def application(workshop: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """An application that has installed the library; a linked one is a link to the source."""
    shutil.copytree(
        BUNDLERS, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules")
    )
    packages = tmp_path / "node_modules"
    packages.mkdir()
    library = workshop / request.param
    if request.param == "linked":
        (packages / "synckairos").symlink_to(library)
    else:
        shutil.copytree(library, packages / "synckairos")
    return tmp_path


@pytest.mark.parametrize("bundler", _COMMANDS)
def test_a_bundled_application_runs(application: Path, service: Instance, bundler: str) -> None:
    program, *arguments = _COMMANDS[bundler]
    run(str(BUNDLERS / "node_modules" / ".bin" / program), *arguments, within=application)
    assert run("node", "bundle.js", service.url, within=application) == "pending\n"


def test_the_package_has_no_tests_and_all_files_that_it_exports(workshop: Path) -> None:
    package = workshop / "packed"
    exports = json.loads((package / "package.json").read_text())["exports"]
    files = {path for target in exports.values() for path in target.values()}
    assert files
    assert all((package / path).is_file() for path in files)
    assert not (package / "tests").exists()

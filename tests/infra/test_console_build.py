"""The build of the console (infra/console): few files, named with their versions."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.console import build
from infra.console.build import ConsoleBuildFailed, build_console, console_faults
from infra.local.npm import NpmError, is_node_installed, npm_install
from tests.conftest import missing

_SOURCES = Path(__file__).parents[2] / "clients" / "console"
_BUILDS, _AT_ONCE = 24, 6
_NOBODY = "http://127.0.0.1:9"
"""The address of a registry that doesn't answer."""


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """The built console."""
    if not is_node_installed():
        missing("Node")
    build_console(tmp_path / "console")
    return tmp_path / "console"


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_each_page_has_one_script_and_one_stylesheet_beside_the_theme(built: Path) -> None:
    pages = {page.name: page.read_text() for page in built.glob("*.html")}
    assert pages.keys() == {page.name for page in _SOURCES.glob("*.html")}
    for html in pages.values():
        assert (html.count("<script"), html.count('rel="stylesheet"')) == (2, 1)


def test_the_files_name_existing_files_with_their_versions(built: Path) -> None:
    assert list(console_faults(built)) == []


def test_the_same_sources_give_the_same_files_without_the_registry(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", _NOBODY)
    build_console(tmp_path / "again")
    assert contents(tmp_path / "again") == contents(built)


def test_builds_at_once_give_the_same_files(built: Path, tmp_path: Path) -> None:
    """esbuild resolves imports in parallel, so on a busy machine their order differs."""
    folders = [tmp_path / f"at-once-{number}" for number in range(_BUILDS)]
    with ThreadPoolExecutor(_AT_ONCE) as executor:
        list(executor.map(build_console, folders))
    expected = contents(built)
    assert [folder.name for folder in folders if contents(folder) != expected] == []


def test_a_file_that_changed_after_the_build_is_a_fault(built: Path) -> None:
    (built / "icons.svg").write_text("<svg/>")
    faults = set(console_faults(built))
    assert "index.html names icons.svg without its version" in faults
    assert "main.js names icons.svg without its version" in faults


def test_a_missing_library_is_a_fault(built: Path) -> None:
    (built / "vendor/uqr.js").unlink()
    assert list(console_faults(built)) == ["main.js names vendor/uqr.js, which doesn't exist"]


def test_the_sources_are_no_built_console(tmp_path: Path) -> None:
    assert "index.html names main.js without its version" in set(console_faults(_SOURCES))
    assert list(console_faults(tmp_path)) == ["the console has no page"]


def test_without_node_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConsoleBuildFailed, match="Node 20 or newer"):
        build_console(tmp_path / "console")


def test_without_packages_and_registry_the_error_names_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_node_installed():
        missing("Node")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(Path(build.__file__).parent / name, tmp_path)
    settings = {"registry": _NOBODY, "fetch_retries": "0", "cache": str(tmp_path / "cache")}
    for name, value in settings.items():
        monkeypatch.setitem(os.environ, f"npm_config_{name}", value)
    with pytest.raises(NpmError) as raised:
        npm_install(tmp_path)
    assert f"npm ci failed in {tmp_path}" in str(raised.value)
    assert "ECONNREFUSED" in str(raised.value)

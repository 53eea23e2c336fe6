"""`make release` builds both client packages, and refuses packages that users couldn't use."""

import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from infra.client_release import __main__ as command
from infra.client_release.packages import (
    ReleaseCheckFailed,
    build_javascript,
    build_python,
    check_javascript,
    check_python,
)
from infra.local.npm import is_node_installed
from shared import VERSION
from tests.conftest import missing

ROOT = Path(__file__).parents[2]
_UNWANTED = shutil.ignore_patterns("node_modules", "__pycache__")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the files that a release reads."""
    if not is_node_installed():
        missing("Node")
    shutil.copytree(ROOT / "clients", tmp_path / "clients", ignore=_UNWANTED)
    shutil.copy(ROOT / "LICENSE", tmp_path)
    (tmp_path / "out").mkdir()
    return tmp_path


def change_package(project: Path, **fields: object) -> None:
    """Change fields of the JavaScript package's `package.json`."""
    file = project / "clients" / "js" / "package.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def test_a_release_has_both_packages_with_licence_readme_and_types() -> None:
    if not is_node_installed():
        missing("Node")
    assert command.main() == 0
    with tarfile.open(command.RELEASE / f"synckairos-{VERSION}.tgz") as archive:
        names = set(archive.getnames())
    wanted = ("LICENSE", "README.md", "synckairos.d.ts", "react.js", "transports/sse.js")
    assert {f"package/{name}" for name in wanted} <= names
    assert not [name for name in names if "test" in name]
    (wheel,) = command.RELEASE.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"synckairos/py.typed", f"synckairos-{VERSION}.dist-info/licenses/LICENSE"} <= names


def test_a_package_of_another_version_is_refused(project: Path) -> None:
    change_package(project, version="2.0.1")
    with pytest.raises(ReleaseCheckFailed, match=r"synckairos-2\.0\.1\.tgz was built"):
        build_javascript(project, project / "out")


@pytest.mark.parametrize(
    ("exports", "fault"),
    [
        ({".": "./missing.js"}, "missing.js"),
        ({".": {"types": "./missing.d.ts", "default": "./synckairos.js"}}, "missing.d.ts"),
    ],
    ids=["module", "types"],
)
def test_an_export_without_a_file_is_refused(
    project: Path, exports: dict[str, object], fault: str
) -> None:
    change_package(project, exports=exports)
    archive = build_javascript(project, project / "out")
    with pytest.raises(ReleaseCheckFailed, match=fault):
        check_javascript(archive)


def test_a_python_package_without_a_description_is_refused(project: Path) -> None:
    file = project / "clients" / "python" / "pyproject.toml"
    file.write_text(file.read_text().replace('readme = "README.md"\n', ""))
    distributions = build_python(project, project / "out")
    with pytest.raises(ReleaseCheckFailed, match="long_description"):
        check_python(distributions)


def test_a_python_package_that_cannot_be_built_is_refused(project: Path) -> None:
    (project / "clients" / "python" / "README.md").unlink()
    with pytest.raises(ReleaseCheckFailed, match=r"README\.md"):
        build_python(project, project / "out")


@pytest.mark.parametrize("name", ["ci", "release", "deploy"])
def test_the_workflows_follow_the_schema_of_github(name: str) -> None:

    file = ROOT / ".github" / "workflows" / f"{name}.yml"
    schema = ("--builtin-schema", "vendor.github-workflows")
    command_line = [sys.executable, "-m", "check_jsonschema", *schema, str(file)]
    checked = subprocess.run(command_line, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout

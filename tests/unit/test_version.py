"""The version is defined in `shared/__init__.py`; files that can't import it repeat it."""

import json
import tomllib
from pathlib import Path

import pytest

from shared import VERSION

_ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("file", ["pyproject.toml", "clients/python/pyproject.toml"])
def test_python_projects_have_the_version_of_the_service(file: str) -> None:
    project = tomllib.loads((_ROOT / file).read_text())["project"]
    assert project["version"] == VERSION


@pytest.mark.parametrize("file", ["package.json", "package-lock.json"])
def test_the_javascript_client_has_the_version_of_the_service(file: str) -> None:
    package = json.loads((_ROOT / "clients" / "js" / file).read_text())
    assert package["version"] == VERSION


def test_the_changelog_has_a_section_for_the_version_or_for_the_next_one() -> None:
    changelog = (_ROOT / "CHANGELOG.md").read_text()
    assert f"## [{VERSION}]" in changelog or "## [Unreleased]" in changelog

"""The pip of an image build gets this machine's pip settings and the local paths in them."""

from pathlib import Path

from infra.image.pip_settings import local_paths, parse_pip_config


def test_only_settings_about_package_sources_are_used() -> None:
    listed = "global.index-url='https://packages.example/simple'\nglobal.user='true'\n"
    assert parse_pip_config(listed) == {"index-url": "https://packages.example/simple"}


def test_environment_variables_override_files() -> None:
    listed = ":env:.cert='/here.pem'\nglobal.cert='/there.pem'\n"
    assert parse_pip_config(listed) == {"cert": "/here.pem"}


def test_without_settings_nothing_is_passed() -> None:
    assert parse_pip_config("") == {}


def test_local_paths_are_mounted_and_urls_are_not(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    found = {"find-links": f"{tmp_path}/wheels /nowhere", "proxy": "http://proxy.example:3128"}
    assert local_paths(found) == {tmp_path / "wheels"}


def test_an_index_in_a_folder_is_mounted_with_its_parent_folder(tmp_path: Path) -> None:
    (tmp_path / "simple").mkdir()
    assert local_paths({"extra-index-url": f"file://{tmp_path}/simple"}) == {tmp_path}

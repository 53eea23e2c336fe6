"""How the pip of a build finds the packages that this machine's pip finds."""

from pathlib import Path

from infra.image.pip_settings import local_paths, parse_pip_config


def test_where_packages_come_from_is_taken_over_and_no_more() -> None:
    listed = "global.index-url='https://packages.example/simple'\nglobal.user='true'\n"
    assert parse_pip_config(listed) == {"index-url": "https://packages.example/simple"}


def test_the_environment_goes_before_files() -> None:
    listed = ":env:.cert='/here.pem'\nglobal.cert='/there.pem'\n"
    assert parse_pip_config(listed) == {"cert": "/here.pem"}


def test_nothing_set_is_nothing_taken_over() -> None:
    assert parse_pip_config("") == {}


def test_files_that_are_named_are_mounted_and_addresses_are_not(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    found = {"find-links": f"{tmp_path}/wheels /nowhere", "proxy": "http://proxy.example:3128"}
    assert local_paths(found) == {tmp_path / "wheels"}


def test_an_index_in_a_folder_is_mounted_with_what_it_links_to(tmp_path: Path) -> None:
    (tmp_path / "simple").mkdir()
    assert local_paths({"extra-index-url": f"file://{tmp_path}/simple"}) == {tmp_path}

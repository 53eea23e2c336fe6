"""The check of an image's files: forbidden files, unlocked packages, bytecode, rights, sizes."""

import py_compile
from pathlib import Path

import pytest

from infra.image.image_files import find_faults, locked_packages, measure_sizes

LOCK = """\
redis==8.1.0 \\
    --hash=sha256:00
psycopg-binary==3.3.9 ; extra != 'x' \\
    # via psycopg
"""
SERVICE_USER = 65532


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The file tree of an image without faults."""
    (tmp_path / "packages/redis-8.1.0.dist-info").mkdir(parents=True)
    (tmp_path / "packages/psycopg_binary-3.3.9.dist-info").mkdir()
    module = tmp_path / "app/shared/application/store_clock.py"
    module.parent.mkdir(parents=True)
    module.write_text("now = 1\n")
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compiled = module.parent / "__pycache__" / "store_clock.cpython-313.pyc"
    py_compile.compile(str(module), str(compiled), invalidation_mode=unchecked)
    return tmp_path


def messages(root: Path) -> str:
    return "\n".join(find_faults(root, SERVICE_USER, LOCK))


def test_a_clean_image_has_no_fault(root: Path) -> None:
    assert messages(root) == ""


@pytest.mark.parametrize("program", ["bin/sh", "usr/bin/bash", "usr/bin/dpkg", "usr/local/bin/pip"])
def test_a_shell_and_a_package_manager_are_faults(root: Path, program: str) -> None:
    (root / program).parent.mkdir(parents=True, exist_ok=True)
    (root / program).touch()
    assert messages(root).startswith(f"/{program}: ")


def test_a_shell_that_is_a_dangling_link_is_a_fault(root: Path) -> None:
    (root / "bin").mkdir()
    (root / "bin/sh").symlink_to("dash")
    assert "/bin/sh" in messages(root)


@pytest.mark.parametrize("name", [".env", ".env.production", "tests", "node_modules", ".git"])
def test_files_of_development_are_faults(root: Path, name: str) -> None:
    (root / "app" / "shared" / name).touch()
    assert f"/app/shared/{name} doesn't belong" in messages(root)


def test_a_package_that_is_not_locked_is_a_fault(root: Path) -> None:
    (root / "packages/pytest-9.0.0.dist-info").mkdir()
    assert "pytest is not in" in messages(root)


def test_an_image_without_packages_is_a_fault(root: Path) -> None:
    for folder in (root / "packages").iterdir():
        folder.rmdir()
    assert "nothing is installed" in messages(root)


def test_a_module_that_is_not_compiled_is_a_fault(root: Path) -> None:
    (root / "app/shared/late.py").touch()
    assert "/app/shared/late.py is not compiled" in messages(root)


def test_bytecode_that_is_checked_against_its_source_is_a_fault(root: Path) -> None:
    module = root / "app/shared/application/store_clock.py"
    py_compile.compile(str(module), str(module.parent / "__pycache__/store_clock.cpython-313.pyc"))
    assert "/app/shared/application/store_clock.py is not compiled" in messages(root)


def test_a_world_writable_file_is_a_fault(root: Path) -> None:
    (root / "app/shared/application/store_clock.py").chmod(0o666)
    assert "/app/shared/application/store_clock.py is writable" in messages(root)


def test_a_file_owned_by_the_service_user_is_a_fault(root: Path) -> None:
    owner = root.stat().st_uid
    assert any("is writable" in fault for fault in find_faults(root, owner, LOCK))


def test_sizes_are_counted_by_part_and_links_count_nothing(root: Path) -> None:
    before = measure_sizes(root)
    (root / "packages/large.so").write_bytes(bytes(2_000_000))
    (root / "app/again.so").symlink_to(root / "packages/large.so")
    (root / "lib").mkdir()
    (root / "lib/libc.so").write_bytes(bytes(1_000_000))
    after = measure_sizes(root)
    assert after.packages - before.packages == pytest.approx(2)
    assert after.base - before.base == pytest.approx(1)
    assert after.ours == before.ours
    assert after.total - before.total == pytest.approx(3)


def test_names_of_locked_packages_are_normalized() -> None:
    assert locked_packages(LOCK) == {"redis", "psycopg-binary"}

"""A zip holds the own modules that its function imports, at start or later, and no others."""

import json
import tempfile
import zipfile
from pathlib import Path

import pytest

from infra.console.build import build_console
from infra.packaging.local_build import LocalBuild
from infra.packaging.manifest import LAYER_FUNCTION, LAYER_ZIP, PYTHON_VERSION, ROOT, functions

_TOO_HEAVY = {"fastapi", "supabase", "boto3", "botocore"}
_MIB = 1024 * 1024
_AARCH64 = 183
"""`EM_AARCH64` of the ELF header."""

_IMPORT_ALL = (Path(__file__).parent / "import_all.py").read_text()

_TAG = PYTHON_VERSION.replace(".", "")


def _names(path: Path) -> list[Path]:
    with zipfile.ZipFile(path) as archive:
        return [Path(name) for name in archive.namelist()]


def _folders(path: Path) -> set[str]:
    return {part.partition("-")[0] for name in _names(path) for part in name.parts[:-1]}


def test_the_switch_function_contains_no_heavy_library(zips: None) -> None:
    switch = next(function.zip for function in functions() if function.name == "switch")
    contained = _folders(switch) | _folders(LAYER_ZIP)
    assert not contained & _TOO_HEAVY
    assert {"functions", "mangum"} <= contained


def test_a_function_contains_the_files_that_its_modules_read(zips: None) -> None:
    contained = {function.name: set(_names(function.zip)) for function in functions()}
    for reader, patterns in (
        ("switch", ["shared/store/scripts/*.lua"]),
        ("console", ["clients/js/*.js", "clients/js/transports/*.js"]),
    ):
        files = {path for pattern in patterns for path in ROOT.glob(pattern)}
        assert {path.relative_to(ROOT) for path in files if path.is_file()} <= contained[reader]
        assert files


def test_the_console_is_built_from_the_sources_of_the_same_commit(
    zips: None, tmp_path: Path
) -> None:
    build_console(tmp_path)
    built = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    served = next(function.zip for function in functions() if function.name == "console")
    folder = Path("clients/console")
    with zipfile.ZipFile(served) as archive:
        names = [name for name in _names(served) if name.is_relative_to(folder)]
        packed = {name.relative_to(folder): archive.read(str(name)) for name in names}
    assert packed == built


def test_browser_files_are_only_in_functions_that_serve_them(zips: None) -> None:
    server, vendored = "functions/service/console.py", "clients/console/vendor/realtime-js.js"
    contained = {function.name: set(_names(function.zip)) for function in functions()}
    containing = {name for name, files in contained.items() if Path(vendored) in files}
    assert containing == {name for name, files in contained.items() if Path(server) in files}
    assert "console" in containing
    assert "switch" not in containing


def test_only_the_function_of_the_reference_contains_its_prepared_documents(zips: None) -> None:
    prepared = Path("shared/http/prepared/api-docs.json")
    assert {f.name for f in functions() if prepared in _names(f.zip)} == {"docs"}


def test_no_function_contains_an_aws_sdk(zips: None) -> None:
    for function in functions():
        assert not _folders(function.zip) & {"boto3", "botocore"}, function.name


def test_a_zip_is_small(zips: None) -> None:
    sizes = {f.name: f.zip.stat().st_size / _MIB for f in functions()}
    assert {name: size for name, size in sizes.items() if size > 10} == {}


def test_the_layer_is_small(zips: None) -> None:
    with zipfile.ZipFile(LAYER_ZIP) as archive:
        assert sum(entry.file_size for entry in archive.infolist()) < 40 * _MIB


def test_every_module_has_its_bytecode_and_all_libraries_are_for_arm64(zips: None) -> None:
    for path in (LAYER_ZIP, *(function.zip for function in functions())):
        names = set(_names(path))
        modules = {name for name in names if name.suffix == ".py"}
        compiled = {
            name.parent / "__pycache__" / f"{name.stem}.cpython-{_TAG}.pyc" for name in modules
        }
        assert {name for name in names if name.suffix == ".pyc"} == compiled
        assert {_machine(path, name) for name in names if name.suffix == ".so"} <= {_AARCH64}


def _machine(archive: Path, library: Path) -> int:
    """Return `e_machine` of a library's ELF header; not every file name says it."""
    with zipfile.ZipFile(archive) as opened, opened.open(str(library)) as file:
        return int.from_bytes(file.read(20)[18:20], "little")


@pytest.mark.parametrize("function", ["switch", "realtime"])
def test_tokens_are_verified_and_signed_with_keys(zips: None, function: str) -> None:
    """PyJWT requires `cryptography` only by an extra, which pyproject.toml names."""
    zip_of = {each.name: each.zip for each in functions()}
    assert "cryptography" in _folders(zip_of[function]) | _folders(LAYER_ZIP)


def test_a_function_needs_only_its_zip_and_the_layer_and_imports_all_own_modules_in_the_zip(
    local_build: LocalBuild,
) -> None:
    """Imports inside functions are executed too."""
    folders = {function: str(folder) for function, folder in local_build.functions.items()}
    handlers = {function.name: (function.module, folders[function]) for function in folders}
    code = f"{_IMPORT_ALL}\nmain({handlers!r}, {LAYER_FUNCTION!r})"
    with tempfile.TemporaryFile() as output:
        status = local_build.start(None, code, output).wait()
        output.seek(0)
        log = output.read().decode()
    assert status == 0, log
    imported = dict(json.loads(line) for line in log.splitlines() if line.startswith("["))
    assert imported.keys() == handlers.keys(), log
    for function, folder in local_build.functions.items():
        assert imported[function.name] is not None, log
        assert set(imported[function.name]) == _modules_in(folder), function.name


def _modules_in(folder: Path) -> set[str]:
    files = (path for top in ("functions", "shared") for path in (folder / top).rglob("*.py"))
    relative = (path.relative_to(folder).with_suffix("") for path in files)
    return {".".join(path.parts).removesuffix(".__init__") for path in relative}

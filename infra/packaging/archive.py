"""Write a set of files as a zip or as a folder."""

import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

from infra.packaging.manifest import PYTHON_VERSION

_BYTECODE = f".cpython-{PYTHON_VERSION.replace('.', '')}.pyc"

Contents = Mapping[Path, Path]
"""Maps the path in the archive to the source file."""


def with_bytecode(contents: Contents) -> Contents:
    """Return the contents with the bytecode files of their modules added."""
    compiled = {
        _bytecode_of(name): _bytecode_of(file)
        for name, file in contents.items()
        if name.suffix == ".py"
    }
    return {**contents, **{name: file for name, file in compiled.items() if file.exists()}}


def write_zip(contents: Contents, target: Path) -> None:
    """Write a reproducible zip, so that unchanged functions aren't deployed again."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name.as_posix())  # with a constant date, 1980-01-01
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, contents[name].read_bytes(), compresslevel=9)


def write_folder(contents: Contents, target: Path) -> None:
    """Copy the contents into a folder."""
    for name, file in contents.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, path)


def _bytecode_of(path: Path) -> Path:
    return path.parent / "__pycache__" / f"{path.stem}{_BYTECODE}"

"""Files as a zip or as a folder."""

import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

Contents = Mapping[Path, Path]
"""Where each file shall be, and where it is now."""


def with_bytecode(contents: Contents) -> Contents:
    """The same, with the bytecode that lies beside its modules."""
    compiled = {
        _bytecode_of(name): _bytecode_of(file)
        for name, file in contents.items()
        if name.suffix == ".py"
    }
    return {**contents, **{name: file for name, file in compiled.items() if file.exists()}}


def write_zip(contents: Contents, target: Path) -> None:
    """The same contents give the same bytes, so nothing is deployed that hasn't changed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name.as_posix())  # dated 1980
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, contents[name].read_bytes(), compresslevel=9)


def write_folder(contents: Contents, target: Path) -> None:
    """What the zip would be, unpacked."""
    for name, file in contents.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, path)


def _bytecode_of(path: Path) -> Path:
    return path.parent / "__pycache__" / f"{path.stem}.cpython-312.pyc"

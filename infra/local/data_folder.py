"""The data that `make run` keeps between its runs, in `.data`."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.migrate import MIGRATIONS

FOLDER = Path(__file__).parents[2] / ".data"
_MARKER = "format.json"
_FORMAT = {"format": 1, "postgres": 18}
"""Who can read the data: only versions with the same numbers."""


def data_folder() -> Path:
    """Return the folder: `.data` of this checkout, or `DATA_DIR`."""
    return Path(os.environ.get("DATA_DIR") or FOLDER).absolute()


@contextmanager
def kept_data() -> Iterator[Path]:
    """Yield the folder, which no other process uses until the end of the block.

    Ends the process with a sentence if another one uses it, if its data were written by an
    incompatible version, or if it can't be written.
    """
    folder = data_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)  # as root, Postgres runs under another account, which must get in
        with (folder / "lock").open("w") as lock:
            _take(lock.fileno(), folder)
            _require_compatible(folder)
            (folder / _MARKER).write_text(json.dumps(_FORMAT | {"migration": _newest_migration()}))
            yield folder
    except PermissionError as error:
        raise SystemExit(f"Can't write to {error.filename or folder} ({error.strerror}).") from None


def _take(lock: int, folder: Path) -> None:
    """Lock the folder; the system unlocks it when the process ends, however it ends."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(
            f"Another `make run` uses {folder}. Stop it first, or choose another folder:"
            " make run DATA_DIR=..."
        ) from None


def _require_compatible(folder: Path) -> None:
    marker = folder / _MARKER
    if marker.exists():
        if not _is_compatible(marker):
            raise SystemExit(
                f"The data in {folder} are of another version, which this one can't read."
                " Delete them with `make clean-data`, or choose another folder: make run"
                " DATA_DIR=..."
            )
    elif any(one.name != "lock" for one in folder.iterdir()):
        raise SystemExit(
            f"{folder} has other files, so it isn't used for data. Choose another folder: make run"
            " DATA_DIR=..."
        )


def _is_compatible(marker: Path) -> bool:
    try:
        found = json.loads(marker.read_text())
        migration = found.pop("migration")
        return bool(found == _FORMAT and migration <= _newest_migration())
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def _newest_migration() -> str:
    return max(file.stem for file in MIGRATIONS.glob("*.sql"))


def main() -> None:
    """`make clean-data`: delete the data, unless a `make run` uses them."""
    folder = data_folder()
    if not (folder / _MARKER).exists():
        print(f"There are no data in {folder}.")
        return
    with (folder / "lock").open("w") as lock:
        _take(lock.fileno(), folder)
        shutil.rmtree(folder)
    print(f"Deleted {folder}.")


if __name__ == "__main__":
    main()

"""Write files that only their owner may read."""

import os
import tempfile
from pathlib import Path

PRIVATE = 0o600
"""The mode of a file that only its owner may read and write."""


def write_private(path: Path, text: str) -> None:
    """Replace the file at once, so that an interruption leaves the old or the new text.

    Raises `OSError`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")  # mode 0600
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

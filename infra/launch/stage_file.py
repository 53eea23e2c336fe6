"""`.env.STAGE`: the variables of a stage, the only place where a launch keeps secrets."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from infra.environment.variables import read_variables
from infra.private_file import PRIVATE, write_private

_NAME = re.compile(r"\s*(?:export\s+)?(\w+)\s*=")


class StageFile:
    """The file at `path`; without a file there are no variables."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def variables(self) -> dict[str, str]:
        """Return the variables that aren't empty. Raises `EnvFileError`."""
        return read_variables(self.path) if self.path.exists() else {}

    def protect(self) -> bool:
        """Let only the owner read the file; return whether others could read it before."""
        if not self.path.exists() or self.path.stat().st_mode & 0o077 == 0:
            return False
        self.path.chmod(PRIVATE)
        return True

    def update(self, values: Mapping[str, str], remove: Iterable[str] = ()) -> None:
        """Set some variables and remove others; all other lines stay as they are.

        Raises `OSError`.
        """
        lines = self.path.read_text("utf-8").splitlines() if self.path.exists() else []
        replaced = {*values, *remove}
        kept = [line for line in lines if _name(line) not in replaced]
        added = [f"{name}={value}" for name, value in values.items()]
        write_private(self.path, "".join(f"{line}\n" for line in (*kept, *added)))


def _name(line: str) -> str:
    match = _NAME.match(line)
    return match[1] if match else ""

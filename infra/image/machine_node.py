"""This machine's Node and npm, to be copied into an image."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from infra.image.image_errors import CannotBuildHere
from infra.image.subprocesses import run

_NPM = "lib/node_modules/npm"


@dataclass(frozen=True, slots=True)
class MachineNode:
    """A Node program that needs no library beyond C and C++, and the folder of its npm."""

    version: str
    program: Path
    npm: Path

    @classmethod
    def found(cls) -> "MachineNode":
        """Return the installed Node. Raises `CannotBuildHere` if it can't be copied."""
        if missing := [name for name in ("node", "npm") if shutil.which(name) is None]:
            raise CannotBuildHere(f"{' and '.join(missing)} not found: install Node 20 or newer")
        program = Path(run("node", "--print", "process.execPath").strip())
        if "libnode" in run("ldd", program):
            raise CannotBuildHere(f"{program} needs libnode, so an image can't run a copy of it")
        npm = Path(run("npm", "root", "--global").strip()) / "npm"
        if not npm.is_dir():
            raise CannotBuildHere(f"npm is not in {npm}")
        return cls(run("node", "--version").strip(), program, npm)

    def copy_to(self, root: Path) -> None:
        """Copy both below `/usr/local`, where the official Node images have them."""
        local = root / "usr/local"
        (local / "bin").mkdir(parents=True, exist_ok=True)
        shutil.copy(self.program, local / "bin/node")
        shutil.copytree(self.npm, local / _NPM)
        (local / "bin/npm").symlink_to(f"../{_NPM}/bin/npm-cli.js")

"""Build the console from the sources with esbuild (`build.mjs`), at its locked version."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from infra.local.npm import NpmError, is_node_installed, npm_install
from shared.http.static_documents import CompressedBody

_FOLDER = Path(__file__).parent
_ADDRESS = re.compile(r"/console/(?P<name>[\w/.-]+\.\w+)(?:\?v=(?P<version>\w+))?")


class ConsoleBuildFailed(Exception):
    """The console can't be built; the message says why and what to do."""


def build_console(folder: Path) -> None:
    """Build the console into `folder`, which takes the place of `clients/console`.

    The same sources give the same files. Raises `ConsoleBuildFailed`.
    """
    if not is_node_installed():
        raise ConsoleBuildFailed(
            "The console is built with Node 20 or newer and npm. Install them and try again."
        )
    try:
        npm_install(_FOLDER)
    except NpmError as error:
        raise ConsoleBuildFailed(str(error)) from None
    command = ["node", str(_FOLDER / "build.mjs"), str(folder)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise ConsoleBuildFailed(f"The console can't be built:\n{finished.stderr.strip()}")


def console_faults(folder: Path) -> Iterator[str]:
    """Yield a sentence for each fault of the built console in `folder`.

    Each file that a page, script or stylesheet names must exist, and be named with its version.
    """
    pages = sorted(folder.glob("*.html"))
    if not pages:
        yield "the console has no page"
    for file in (*pages, *sorted(folder.glob("*.js")), *sorted(folder.glob("*.css"))):
        for address in _ADDRESS.finditer(file.read_text()):
            named = folder / address["name"]
            if not named.is_file():
                yield f"{file.name} names {address['name']}, which doesn't exist"
            elif CompressedBody.of(named.read_bytes()).version != address["version"]:
                yield f"{file.name} names {address['name']} without its version"

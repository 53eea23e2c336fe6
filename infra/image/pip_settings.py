"""Pass this machine's pip settings (index, proxy, certificate) to the image build.

They must not be part of the Dockerfile, so they are mounted as /etc/pip.conf, together with the
local files and folders that they name.
"""

import ast
import re
import sys
from pathlib import Path

from infra.image.buildah import FOLDER
from infra.image.subprocesses import run
from infra.private_file import write_private

_LINE = re.compile(r"(?P<section>[^=]+)\.(?P<name>[a-z-]+)=(?P<value>.*)")
_NAMES = (
    "cert",
    "default-timeout",
    "extra-index-url",
    "find-links",
    "index-url",
    "no-index",
    "proxy",
    "timeout",
    "trusted-host",
)
_ENVIRONMENT = ":env:"
"""The section of environment variables; they override files."""


def parse_pip_config(listed: str) -> dict[str, str]:
    """Return the settings about package sources from `listed`, the output of `pip config list`."""
    found: dict[str, str] = {}
    lines = filter(None, map(_LINE.fullmatch, listed.splitlines()))
    for line in sorted(lines, key=lambda line: line["section"] == _ENVIRONMENT):
        if line["name"] in _NAMES:
            found[line["name"]] = str(ast.literal_eval(line["value"]))
    return found


def local_paths(found: dict[str, str]) -> set[Path]:
    """Return the local files and folders that the settings name.

    For an index in a folder it is the parent folder, because the index links to files beside it.
    """
    words = (word for value in found.values() for word in value.split())
    by_setting = {name: found.get(name, "").split() for name in ("index-url", "extra-index-url")}
    indexes = {word for words in by_setting.values() for word in words}
    paths = set()
    for word in words:
        path = Path(word.removeprefix("file://"))
        if path.is_absolute() and path.exists():
            paths.add(path.parent if word in indexes else path)
    return paths


def pip_mounts() -> set[str]:
    """Return the volumes that make `buildah build` use this machine's pip settings."""
    found = parse_pip_config(run(sys.executable, "-m", "pip", "config", "list"))
    if not found:
        return set()
    file = FOLDER / "pip.conf"
    lines = (f"{name} = {value}\n" for name, value in found.items())
    write_private(file, "".join(["[global]\n", *lines]))  # the index URL may contain a password
    return {f"{file}:/etc/pip.conf:ro"} | {f"{path}:{path}:ro" for path in local_paths(found)}

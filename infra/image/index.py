"""Where this machine's pip finds packages, for the pip of a build.

The Dockerfile must not know: the settings are mounted over the build's own, with the local files
and folders that they name.
"""

import ast
import re
import sys
from pathlib import Path

from infra.image.buildah import FOLDER
from infra.image.programs import output

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
_STRONGER = ":env:"
"""A variable of the environment goes before what a file says."""


def settings(listed: str) -> dict[str, str]:
    """What `pip config list` has `listed`, as far as it is about where packages come from."""
    found: dict[str, str] = {}
    lines = filter(None, map(_LINE.fullmatch, listed.splitlines()))
    for line in sorted(lines, key=lambda line: line["section"] == _STRONGER):
        if line["name"] in _NAMES:
            found[line["name"]] = str(ast.literal_eval(line["value"]))
    return found


def local_paths(found: dict[str, str]) -> set[Path]:
    """Files and folders of this machine that the settings name.

    An index in a folder links to files beside itself: its parent is named with it.
    """
    words = (word for value in found.values() for word in value.split())
    indexes = {name: found.get(name, "").split() for name in ("index-url", "extra-index-url")}
    beside = {word for words in indexes.values() for word in words}
    paths = set()
    for word in words:
        path = Path(word.removeprefix("file://"))
        if path.is_absolute() and path.exists():
            paths.add(path.parent if word in beside else path)
    return paths


def volumes() -> list[str]:
    """Arguments for `buildah build` that give its pip this machine's settings."""
    found = settings(output(sys.executable, "-m", "pip", "config", "list"))
    if not found:
        return []
    file = FOLDER / "pip.conf"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)  # an index may be named with its password
    file.write_text("".join(["[global]\n", *(f"{name} = {v}\n" for name, v in found.items())]))
    mounts = {f"{file}:/etc/pip.conf:ro"} | {f"{path}:{path}:ro" for path in local_paths(found)}
    return [part for mount in sorted(mounts) for part in ("--volume", mount)]

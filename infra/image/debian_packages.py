"""Packages of the Debian release of the base images, whatever release this machine runs.

apt gets a source list and folders of its own under `.build/image/apt`, so nothing of this machine's
configuration is changed.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from infra.image.buildah import FOLDER
from infra.image.image_errors import CannotBuildHere, ImageCheckFailed
from infra.image.subprocesses import run

RELEASE = "trixie"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_SOURCES = (
    ("http://deb.debian.org/debian", RELEASE),
    ("http://deb.debian.org/debian-security", f"{RELEASE}-security"),
)


def file_names(packages: Sequence[str]) -> list[str]:
    """Return the names of the packages' current files, which contain their versions.

    Raises `CannotBuildHere` without Debian's keys, and `ImageCheckFailed`.
    """
    listed = run("apt-get", *_options(), "download", "--print-uris", *packages)
    return sorted(line.split()[1] for line in listed.splitlines() if line)


def download(packages: Sequence[str], folder: Path) -> None:
    """Download the packages into `folder`. Raises as `file_names`."""
    run("apt-get", *_options(), "download", "--quiet", *packages, cwd=folder)


@cache
def _options() -> tuple[str, ...]:
    """Return the options that make apt use the release; its lists are up to date."""
    if not _KEYRING.exists():
        raise CannotBuildHere(f"{_KEYRING} is missing: install debian-archive-keyring")
    home = FOLDER / "apt"
    for name in ("lists/partial", "cache/archives/partial"):
        (home / name).mkdir(parents=True, exist_ok=True)
    sources = home / "sources.list"
    lines = (f"deb [signed-by={_KEYRING}] {address} {suite} main\n" for address, suite in _SOURCES)
    sources.write_text("".join(lines))
    settings = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": home / "lists",
        "Dir::Cache": home / "cache",
    }
    options = tuple(part for item in settings.items() for part in ("-o", "{}={}".format(*item)))
    try:
        run("apt-get", *options, "--quiet", "update")
    except ImageCheckFailed as failure:
        raise CannotBuildHere(f"Debian's packages can't be listed: {failure}") from None
    return options

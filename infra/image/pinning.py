"""`infra/image/pin`: look up the digests of the image's bases and write them to bases.env.

The names are those of the Dockerfile's ARGs. Asks their registries through skopeo, crane or
docker buildx, whichever is there first. `infra/image/bases.env` is for `--build-arg`, and to be
committed: whoever builds this commit then builds on the very same bases.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

from infra.image.buildah import ROOT

BASES = ROOT / "infra" / "image" / "bases.env"
_DOCKERFILE = ROOT / "Dockerfile"
_ARG = re.compile(r"^ARG (?P<name>\w+_IMAGE)=(?P<image>\S+)$", re.MULTILINE)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TIMEOUT_S = 60.0

_ASKED_BY = {
    "skopeo": ("skopeo", "inspect", "--no-tags", "--format", "{{.Digest}}", "docker://{image}"),
    "crane": ("crane", "digest", "{image}"),
    "docker": (
        *("docker", "buildx", "imagetools", "inspect"),
        *("--format", "{{.Manifest.Digest}}", "{image}"),
    ),
}


class PinningFailed(Exception):
    """A digest couldn't be had, and nothing was written; the message says why."""


def bases(dockerfile: str) -> dict[str, str]:
    """The Dockerfile's base images by the name of their ARG."""
    return {arg["name"]: arg["image"] for arg in _ARG.finditer(dockerfile)}


def pin(names: dict[str, str]) -> str:
    """The text of bases.env for these images. Raises `PinningFailed`."""
    found = {name: f"{image}@{digest(image)}" for name, image in names.items()}
    return "".join(f"{name}={image}\n" for name, image in found.items())


def digest(image: str) -> str:
    """The digest that `image` has in its registry now, of all its platforms.

    Raises `PinningFailed`.
    """
    tool = next(filter(shutil.which, _ASKED_BY), None)
    if tool is None:
        raise PinningFailed("It takes skopeo, crane or docker (with buildx) to ask a registry.")
    command = [part.replace("{image}", image) for part in _ASKED_BY[tool]]
    try:
        asked = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise PinningFailed(f"{image}: no answer within {_TIMEOUT_S:.0f} s.") from None
    if asked.returncode:
        said = (asked.stderr.strip().splitlines() or ["it says nothing"])[0]
        raise PinningFailed(f"{image}: {tool} failed: {said}")
    if not _DIGEST.fullmatch(asked.stdout.strip()):
        raise PinningFailed(f"{image}: {tool} answers no digest: {asked.stdout.strip()[:80]!r}")
    return asked.stdout.strip()


def main() -> None:
    """Write both lines, or nothing."""
    parser = argparse.ArgumentParser(
        prog="infra/image/pin",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    to = "where to write (default: infra/image/bases.env)"
    parser.add_argument("--output", type=Path, default=BASES, help=to)
    options = parser.parse_args()
    try:
        text = pin(bases(_DOCKERFILE.read_text()))
        options.output.write_text(text)
    except (PinningFailed, OSError) as error:
        sys.exit(f"pin: nothing was written. {error}")
    print(text, end="")


if __name__ == "__main__":
    main()

"""`infra/image/pin`: look up the digests of the base images and write them to bases.env.

The names are the Dockerfile's ARGs. The digests come from the registries, through the first of
skopeo, crane or docker buildx that is installed. Commit `infra/image/bases.env`: deploy.sh passes
it as `--build-arg`, so that every build of a commit uses the same base images.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

from infra.image.buildah import ROOT

PINNED_IMAGES_FILE = ROOT / "infra" / "image" / "bases.env"
_DOCKERFILE = ROOT / "Dockerfile"
_ARG = re.compile(r"^ARG (?P<name>\w+_IMAGE)=(?P<image>\S+)$", re.MULTILINE)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TIMEOUT_S = 60.0

_COMMANDS = {
    "skopeo": ("skopeo", "inspect", "--no-tags", "--format", "{{.Digest}}", "docker://{image}"),
    "crane": ("crane", "digest", "{image}"),
    "docker": (
        *("docker", "buildx", "imagetools", "inspect"),
        *("--format", "{{.Manifest.Digest}}", "{image}"),
    ),
}


class PinningFailed(Exception):
    """A digest couldn't be looked up, and nothing was written; the message says why."""


def base_images(dockerfile: str) -> dict[str, str]:
    """Return the Dockerfile's base images by the name of their ARG."""
    return {arg["name"]: arg["image"] for arg in _ARG.finditer(dockerfile)}


def base_images_in_use() -> dict[str, str]:
    """Return the base images of the project's Dockerfile by the name of their ARG."""
    return base_images(_DOCKERFILE.read_text())


def pinned_lines(names: dict[str, str]) -> str:
    """Return the text of bases.env for these images. Raises `PinningFailed`."""
    found = {name: f"{image}@{digest(image)}" for name, image in names.items()}
    return "".join(f"{name}={image}\n" for name, image in found.items())


def digest(image: str) -> str:
    """Return the current digest of `image` in its registry, for all platforms.

    Raises `PinningFailed`.
    """
    tool = next(filter(shutil.which, _COMMANDS), None)
    if tool is None:
        raise PinningFailed("skopeo, crane or docker (with buildx) is needed to query a registry.")
    command = [part.replace("{image}", image) for part in _COMMANDS[tool]]
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise PinningFailed(f"{image}: no answer within {_TIMEOUT_S:.0f} s.") from None
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no error output"])[0]
        raise PinningFailed(f"{image}: {tool} failed: {reason}")
    if not _DIGEST.fullmatch(result.stdout.strip()):
        raise PinningFailed(f"{image}: {tool} returned no digest: {result.stdout.strip()[:80]!r}")
    return result.stdout.strip()


def main() -> None:
    """Write the digests of all base images, or nothing if one of them can't be looked up."""
    parser = argparse.ArgumentParser(
        prog="infra/image/pin",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    output_help = "the file to write (default: infra/image/bases.env)"
    parser.add_argument("--output", type=Path, default=PINNED_IMAGES_FILE, help=output_help)
    options = parser.parse_args()
    try:
        text = pinned_lines(base_images_in_use())
        options.output.write_text(text)
    except (PinningFailed, OSError) as error:
        sys.exit(f"pin: nothing was written. {error}")
    print(text, end="")


if __name__ == "__main__":
    main()

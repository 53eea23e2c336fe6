"""Build the Dockerfile on stand-ins for its base images."""

import shutil
import tomllib

from infra.image.buildah import FOLDER, ROOT, buildah
from infra.image.npm_settings import npm_mounts
from infra.image.pip_settings import pip_mounts
from infra.image.stand_in_images import BUILD, RUN, node_image
from infra.image.subprocesses import run

IMAGE = "localhost/synckairos:check"


def build_stand_ins() -> dict[str, str]:
    """Return the stand-ins' names by the Dockerfile's ARG; build them if they don't exist."""
    return {
        "NODE_IMAGE": node_image().image(),
        "BUILD_IMAGE": BUILD.image(),
        "RUN_IMAGE": RUN.image(),
    }


def build(on: dict[str, str]) -> None:
    """Build `IMAGE` on these base images, reusing the layers of earlier builds."""
    arguments = {**on, "VERSION": version(), "REVISION": revision()}
    given = [part for item in arguments.items() for part in ("--build-arg", "=".join(item))]
    mounts = sorted(pip_mounts() | npm_mounts())
    flags = [
        "--pull-never",
        "--format",
        "docker",
        "--layers",
        "--quiet",
        *(part for mount in mounts for part in ("--volume", mount)),
        *given,
    ]
    buildah("build", *flags, "--tag", IMAGE, "--file", ROOT / "Dockerfile", ROOT)


def version() -> str:
    """Return the service's version from pyproject.toml."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def revision() -> str:
    """Return the checked-out commit; uncommitted changes don't show in it."""
    return run("git", "rev-parse", "HEAD", cwd=ROOT).strip()


def compressed_bytes() -> int:
    """Return the size of the image's compressed layers, as a registry stores them."""
    folder = FOLDER / "pushed"
    shutil.rmtree(folder, ignore_errors=True)
    buildah("push", "--quiet", "--compression-format", "gzip", IMAGE, f"oci:{folder}")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    shutil.rmtree(folder)
    return size

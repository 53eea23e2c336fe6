"""The real Dockerfile, built on stand-ins of its bases."""

import shutil
import tomllib

from infra.image.bases import BUILD, RUN
from infra.image.buildah import FOLDER, ROOT, buildah
from infra.image.index import volumes
from infra.image.programs import output

IMAGE = "localhost/synckairos:check"


def bases() -> dict[str, str]:
    """Both stand-ins by the Dockerfile's names for them; made as far as they are not there."""
    return {"BUILD_IMAGE": BUILD.image(), "RUN_IMAGE": RUN.image()}


def build(on: dict[str, str]) -> None:
    """`IMAGE` from the Dockerfile on these bases; layers of earlier builds are taken up again."""
    arguments = {**on, "VERSION": version(), "REVISION": revision()}
    given = [part for item in arguments.items() for part in ("--build-arg", "=".join(item))]
    how = ["--pull-never", "--format", "docker", "--layers", "--quiet"]
    buildah("build", *how, *volumes(), *given, "--tag", IMAGE, "--file", ROOT / "Dockerfile", ROOT)


def version() -> str:
    """The service's version, as pyproject.toml has it."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def revision() -> str:
    """The commit that is checked out; what is not committed isn't told."""
    return output("git", "rev-parse", "HEAD", cwd=ROOT).strip()


def compressed_bytes() -> int:
    """What is pulled to run the image: its layers as a registry has them."""
    folder = FOLDER / "pushed"
    shutil.rmtree(folder, ignore_errors=True)
    buildah("push", "--quiet", "--compression-format", "gzip", IMAGE, f"oci:{folder}")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    shutil.rmtree(folder)
    return size

"""Stand-ins for the base images, for machines that can't reach an image registry.

A distroless image consists of unpacked Debian packages, and so does the stand-in for the run image.
The build image can be any Python 3.13 with pip and a shell. The Node image can be any Node 20 or
newer with npm and a shell: it has those of this machine. Digests, layers and labels of the real
images can't be checked with stand-ins.
"""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from infra.image import debian_packages
from infra.image.buildah import FOLDER, buildah, exists
from infra.image.machine_node import MachineNode
from infra.image.subprocesses import run

_RECIPE = Path(__file__).read_text("utf-8")
"""Part of the image's tag, so that a change of this file leads to a new image."""

_PYTHON = """
    base-files netbase tzdata media-types ca-certificates
    libc6 libgcc-s1 libstdc++6 libgomp1 libssl3t64 libzstd1 zlib1g libffi8 liblzma5 libbz2-1.0
    libsqlite3-0 libexpat1 libncursesw6 libtinfo6 libreadline8t64 libuuid1 libdb5.3t64 libcrypt1
    libcom-err2 libnsl2 libtirpc3t64 libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0
    libkeyutils1 python3.13-minimal libpython3.13-minimal libpython3.13-stdlib
"""

_SHELL = """
    dash coreutils findutils libacl1 libattr1 libselinux1 libpcre2-8-0 libgmp10 libsystemd0 libcap2
"""

_PIP = """
    python3-pip python3-setuptools python3-pkg-resources python3-wheel python3-packaging
"""

_EXCLUDED = ("man", "lintian", "info", "locale", "bug")
"""Folders of `/usr/share` that distroless images don't have either."""

_PASSWD = (
    "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n"
)
_GROUP = "root:x:0:\nnonroot:x:65532:\n"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class StandInImage:
    """A base image made of Debian `packages` (names separated by spaces); it runs as `user`.

    It also has this machine's `node`, if that is given.
    """

    name: str
    packages: str
    user: str
    node: MachineNode | None = None

    def image(self) -> str:
        """Return the image's name; build it unless it exists with the current packages."""
        files = "\n".join(debian_packages.file_names(self.packages.split()))
        recipe = f"{_RECIPE}\n{self.user}\n{self.node}\n{files}"
        key = hashlib.sha256(recipe.encode()).hexdigest()[:12]
        image = f"localhost/synckairos-{self.name}-stand-in:{key}"
        if not exists(image):
            self._build(image)
        return image

    def _build(self, image: str) -> None:
        root, packages = FOLDER / f"{self.name}.root", FOLDER / f"{self.name}.debs"
        for folder in (root, packages):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        debian_packages.download(self.packages.split(), packages)
        for package in sorted(packages.glob("*.deb")):
            run("dpkg-deb", "--extract", package, root)
        _configure(root)
        if self.node:
            self.node.copy_to(root)
        _commit(root, image, self.user)
        shutil.rmtree(packages)
        shutil.rmtree(root)


RUN = StandInImage("run", _PYTHON, "65532")
BUILD = StandInImage("build", _PYTHON + _SHELL + _PIP, "0")


def node_image() -> StandInImage:
    """Return the stand-in for the Node image. Raises `CannotBuildHere` without a Node to copy."""
    return StandInImage("node", _PYTHON + _SHELL, "0", MachineNode.found())


def _configure(root: Path) -> None:
    """Do the necessary part of what the packages' install scripts do."""
    (root / "etc/passwd").write_text(_PASSWD)
    (root / "etc/group").write_text(_GROUP)
    (root / "usr/bin/python3").symlink_to("python3.13")
    (root / "tmp").mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    home = root / "home" / "nonroot"
    home.mkdir(parents=True)
    shutil.chown(home, 65532, 65532)
    authorities = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    trusted = root / "etc/ssl/certs/ca-certificates.crt"
    trusted.parent.mkdir(parents=True, exist_ok=True)
    trusted.write_text("".join(path.read_text() for path in authorities))
    for name in _EXCLUDED:
        shutil.rmtree(root / "usr/share" / name, ignore_errors=True)
    for path in (root / "usr/share/doc").rglob("*"):
        if path.is_file() and path.name != "copyright":
            path.unlink()


def _commit(root: Path, image: str, user: str) -> None:
    name = buildah("from", "scratch")
    try:
        buildah("add", "--quiet", name, root, "/")
        entry_point = '["/usr/bin/python3.13"]'
        buildah("config", "--env", f"PATH={_PATH}", "--user", user, name)
        buildah("config", "--entrypoint", entry_point, name)
        buildah("commit", "--quiet", "--format", "docker", name, image)
    finally:
        buildah("rm", name)

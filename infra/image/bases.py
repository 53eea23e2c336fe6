"""Stand-ins for the two base images, made of the Debian packages that those are made of.

A distroless image is Debian packages unpacked, and so is ours. For the build any Python 3.11 with
pip and a shell will do. They take a registry's place where none can be reached; digests, layers
and labels of the real ones are not proved with them.
"""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from infra.image.buildah import FOLDER, buildah, exists
from infra.image.programs import output

_RECIPE = Path(__file__).read_text("utf-8")
"""The same packages put together differently make another base."""

_PYTHON = """
    base-files netbase tzdata media-types ca-certificates
    libc6 libgcc-s1 libstdc++6 libgomp1 libssl3 zlib1g libffi8 liblzma5 libbz2-1.0 libsqlite3-0
    libexpat1 libncursesw6 libtinfo6 libreadline8 libuuid1 libdb5.3 libcrypt1 libcom-err2
    libnsl2 libtirpc3 libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0 libkeyutils1
    python3.11-minimal libpython3.11-minimal libpython3.11-stdlib python3-distutils
"""

_BUILD = """
    dash coreutils findutils libacl1 libattr1 libselinux1 libpcre2-8-0 libgmp10
    python3-pip python3-setuptools python3-pkg-resources python3-wheel python3-lib2to3
"""

_LEFT_OUT = ("man", "lintian", "info", "locale", "bug")
"""Of `/usr/share`, as distroless leaves it out too."""

_PASSWD = (
    "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n"
)
_GROUP = "root:x:0:\nnonroot:x:65532:\n"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Base:
    """A base image of Debian's `packages`."""

    name: str
    packages: str
    user: str

    def image(self) -> str:
        """Its name in our store, where it is made first if these packages are not there yet."""
        listed = output("apt-get", "download", "--print-uris", *self.packages.split())
        made_of = "\n".join(sorted(line.split()[1] for line in listed.splitlines() if line))
        key = hashlib.sha256(f"{_RECIPE}\n{self.user}\n{made_of}".encode()).hexdigest()[:12]
        image = f"localhost/synckairos-{self.name}-stand-in:{key}"
        if not exists(image):
            self._make(image)
        return image

    def _make(self, image: str) -> None:
        root, packages = FOLDER / f"{self.name}.root", FOLDER / f"{self.name}.debs"
        for folder in (root, packages):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        output("apt-get", "download", "--quiet", *self.packages.split(), cwd=packages)
        for package in sorted(packages.glob("*.deb")):
            output("dpkg-deb", "--extract", package, root)
        _settle(root)
        _commit(root, image, self.user)
        shutil.rmtree(packages)
        shutil.rmtree(root)


RUN = Base("run", _PYTHON, "65532")
BUILD = Base("build", _PYTHON + _BUILD, "0")


def _settle(root: Path) -> None:
    """What the packages' own scripts would do, as far as it matters here."""
    (root / "etc/passwd").write_text(_PASSWD)
    (root / "etc/group").write_text(_GROUP)
    (root / "usr/bin/python3").symlink_to("python3.11")
    (root / "tmp").mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    home = root / "home" / "nonroot"
    home.mkdir(parents=True)
    shutil.chown(home, 65532, 65532)
    authorities = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    trusted = root / "etc/ssl/certs/ca-certificates.crt"
    trusted.parent.mkdir(parents=True, exist_ok=True)
    trusted.write_text("".join(path.read_text() for path in authorities))
    for name in _LEFT_OUT:
        shutil.rmtree(root / "usr/share" / name, ignore_errors=True)
    for path in (root / "usr/share/doc").rglob("*"):
        if path.is_file() and path.name != "copyright":
            path.unlink()


def _commit(root: Path, image: str, user: str) -> None:
    name = buildah("from", "scratch")
    try:
        buildah("add", "--quiet", name, root, "/")
        entry_point = '["/usr/bin/python3.11"]'
        buildah("config", "--env", f"PATH={_PATH}", "--user", user, name)
        buildah("config", "--entrypoint", entry_point, name)
        buildah("commit", "--quiet", "--format", "docker", name, image)
    finally:
        buildah("rm", name)

"""Pass this machine's npm settings (registry, proxy, certificates) to the image build.

They must not be part of the Dockerfile, so they are mounted as root's `.npmrc`, together with the
file of certificates.
"""

import json
from pathlib import Path
from typing import Any

from infra.image.buildah import FOLDER
from infra.image.subprocesses import run
from infra.private_file import write_private

_NAMES = ("registry", "cafile", "proxy", "https-proxy", "strict-ssl")


def npm_mounts() -> set[str]:
    """Return the volumes that make `buildah build` use this machine's npm settings."""
    settings = json.loads(run("npm", "config", "list", "--json", cwd=Path("/")))
    file = FOLDER / "npmrc"
    write_private(file, npmrc(settings))  # a URL may contain a password
    certificates = settings.get("cafile")
    mounts = {f"{file}:/root/.npmrc:ro"}
    return mounts | {f"{certificates}:{certificates}:ro"} if certificates else mounts


def npmrc(settings: dict[str, Any]) -> str:
    """Return the text of an `.npmrc` with those settings that are about the registry."""
    chosen = {name: settings[name] for name in _NAMES if settings.get(name) is not None}
    return "".join(f"{name}={_text(value)}\n" for name, value in chosen.items())


def _text(value: str | bool) -> str:
    return value if isinstance(value, str) else str(value).lower()

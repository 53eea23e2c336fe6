"""`.dockerignore` lets only intended files into the build context, as buildah applies it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from infra.image.buildah import ROOT, buildah, container, locked_store, mounted
from infra.image.image_errors import CannotBuildHere
from infra.image.subprocesses import require_programs
from tests.conftest import missing

UNINTENDED = [
    ".env",
    ".env.production",
    "id_rsa",
    "secrets.json",
    "new_top_level.py",
    "functions/.env",
    "clients/console/.env.local",
    "functions/sessions/__pycache__/read.cpython-313.pyc",
    "infra/local/run.py",
    "tests/load/bench/load.lua",
    "shared/store/.git/config",
    "shared/tests/test_it.py",
    "infra/local/redis.py",
    "infra/fly.toml",
    "infra/image/bases.env",
    "infra/supabase/config.toml",
    "infra/supabase/migrations/notes.txt",
    "infra/console/bundle.sh",
    "infra/console/node_modules/esbuild/package.json",
    "clients/js/package-lock.json",
    "clients/js/node_modules/react/index.js",
    "clients/js/tests/clock.test.js",
    "clients/python/synckairos/client.py",
    "tests/conftest.py",
    "docs/security.md",
]
INTENDED = [
    "functions/server.py",
    "clients/console/index.html",
    "clients/console/vendor/realtime-js.js",
    "clients/console/vendor/uqr.js",
    "functions/container/healthcheck.py",
    "functions/container/audit_worker.py",
    "shared/settings/settings.py",
    "shared/store/scripts/commit.lua",
    "infra/__init__.py",
    "infra/migrate.py",
    "infra/image/requirements.txt",
    "infra/console/build.mjs",
    "infra/console/package.json",
    "infra/console/package-lock.json",
    "infra/supabase/migrations/20261124120000_audit_trail.sql",
    "clients/js/synckairos.js",
    "clients/js/transports/sse.js",
]


def build_context(folder: Path) -> set[str]:
    """Return the files of `folder` that are in the build context."""
    shutil.copy(ROOT / ".dockerignore", folder)
    everything = folder.parent / "Everything"
    everything.write_text("FROM scratch\nCOPY . /\n")
    image = "localhost/synckairos:context"
    with locked_store():
        buildah("build", "--quiet", "--no-cache", "--tag", image, "--file", everything, folder)
        try:
            with container(image) as name, mounted(name) as root:
                files = (path for path in root.rglob("*") if path.is_file())
                return {str(path.relative_to(root)) for path in files}
        finally:
            buildah("rmi", image)


@pytest.fixture(scope="module")
def context_files(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The files in the build context of a folder with intended and unintended files."""
    try:
        require_programs("buildah")
    except CannotBuildHere:
        missing("buildah")
    folder = tmp_path_factory.mktemp("context") / "tree"
    for name in (*UNINTENDED, *INTENDED):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return build_context(folder)


def test_the_build_context_has_the_intended_files_only(context_files: set[str]) -> None:
    assert context_files == set(INTENDED)


@pytest.mark.parametrize("name", INTENDED)
def test_each_intended_file_exists(name: str) -> None:
    assert (ROOT / name).is_file()


def test_the_first_rule_excludes_everything() -> None:
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    assert next(rule for rule in rules if rule and not rule.startswith("#")) == "*"


def test_each_included_path_exists() -> None:
    for rule in (ROOT / ".dockerignore").read_text().splitlines():
        if rule.startswith("!"):
            assert list(ROOT.glob(rule[1:])), f"{rule} matches no file"


def test_folders_that_are_included_whole_hold_known_kinds_of_files_only() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "functions", "shared"], cwd=ROOT, capture_output=True, check=True
    )
    kinds = {Path(name).suffix for name in listed.stdout.decode().split()}
    assert kinds <= {".py", ".lua", ".js", ".css", ".svg", ".html", ".md", ".json", ".crt"}

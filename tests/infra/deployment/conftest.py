"""A checkout that is ready to be released, and programs that only pretend to."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
APP = "synckairos-staging"
IMAGE = "registry.example/synckairos-staging:deployment-{}"

_PROGRAM = Path(__file__).with_name("stub_program.py")
_SCRIPTS = ("smoke.sh", "check-redis", "check-postgres")
_SECRETS = ("JWT_SECRET", "METRICS_TOKEN", "REDIS_URL", "DATABASE_URL")
_PATIENCE_S = 30


def status(*checks: str, state: str = "started") -> dict[str, Any]:
    """What `flyctl status` says of two machines with such checks."""
    named = [{"name": f"check-{n}", "status": check} for n, check in enumerate(checks)]
    machines = [{"id": f"m{n}", "state": state, "checks": named} for n in range(2)]
    return {"Name": APP, "Deployed": True, "Hostname": f"{APP}.fly.dev", "Machines": machines}


def release(version: int, outcome: str = "complete") -> dict[str, Any]:
    """One line of `flyctl releases`."""
    return {"Version": version, "Status": outcome, "ImageRef": IMAGE.format(version)}


def all_well() -> dict[str, list[Any]]:
    """What is answered when nothing goes wrong."""
    return {
        "flyctl apps list": [[{"Name": APP}]],
        "flyctl secrets list": [[{"Name": name, "Digest": "d"} for name in _SECRETS]],
        "flyctl releases": [[release(41), release(40, "failed"), release(39)]],
        "flyctl deploy": [{}],
        "flyctl status": [status("passing", "passing")],
        "smoke.sh": [{}],
        "check-redis": [{}],
        "check-postgres": [{}],
    }


@dataclass
class Ended:
    """How a script ended."""

    code: int
    said: str
    calls: list[list[str]]

    @property
    def order(self) -> list[str]:
        """The calls by their first words."""
        return [" ".join(call[:2] if call[0] == "flyctl" else call[:1]) for call in self.calls]

    @property
    def deployed(self) -> list[str]:
        """What each deployment was of: an image, or what is checked out."""
        deployments = [call for call in self.calls if call[:2] == ["flyctl", "deploy"]]
        return [
            call[call.index("--image") + 1] if "--image" in call else "here" for call in deployments
        ]


class Checkout:
    """The repository as it is committed, somewhere else."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self._programs = programs
        self.scenario = programs / "scenario"

    def ends(self, script: str, *arguments: str, **variables: str) -> Ended:
        """Run a script of the checkout to its end, from a folder elsewhere."""
        return self.finished(self.begun(script, *arguments, **variables))

    def begun(self, script: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Run a script of the checkout."""
        path = f"{self._programs}:{os.environ['PATH']}"
        stores = {"REDIS_URL": "redis://x", "DATABASE_URL": "postgresql://x", "JWT_SECRET": "s"}
        return subprocess.Popen(
            [self.folder / "infra" / "scripts" / script, *arguments, "--poll-s", "0.01"],
            cwd="/",
            env=os.environ | stores | {"PATH": path, "SCENARIO": str(self.scenario)} | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finished(self, process: subprocess.Popen[str]) -> Ended:
        """How it ended."""
        said, _ = process.communicate(timeout=_PATIENCE_S)
        return Ended(process.returncode, said, self.calls())

    def calls(self) -> list[list[str]]:
        """Those that were made so far."""
        file = self.scenario / "calls.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def answer(self, answers: dict[str, list[Any]]) -> None:
        """Have calls answered so from now on, none having been made."""
        shutil.rmtree(self.scenario, ignore_errors=True)
        self.scenario.mkdir()
        (self.scenario / "answers.json").write_text(json.dumps(answers))

    def git(self, *arguments: str) -> str:
        """Run git there."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def note_tested(self) -> None:
        """As `make test` does when it has passed."""
        (self.folder / ".build").mkdir(exist_ok=True)
        (self.folder / ".build" / "tested").write_text(self.git("rev-parse", "HEAD"))


def pretend(path: Path) -> None:
    """Put the stand-in there, started as quickly as can be."""
    code = _PROGRAM.read_text().partition("\n")[2]
    path.write_text(f"#!{sys.executable} -IS\n{code}")
    path.chmod(0o755)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a release looks at, committed."""
    folder = tmp_path_factory.mktemp("original") / "checkout"
    ignored = shutil.ignore_patterns("__pycache__", "node_modules", "bases.env")
    for name in ("infra/deployment", "infra/environment", "infra/image", "infra/scripts", "shared"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("infra/__init__.py", "infra/confirm.py", "infra/module.sh", "infra/fly.toml"):
        shutil.copy(ROOT / name, folder / name)
    for name in _SCRIPTS:
        pretend(folder / "infra" / "scripts" / name)
    (folder / ".gitignore").write_text(".venv\n.build/\n__pycache__/\n")
    (folder / ".venv").symlink_to(ROOT / ".venv")
    checkout = Checkout(folder, folder)
    checkout.git("init", "--quiet")
    checkout.git("add", "--all")
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    checkout.git(*who, "commit", "--quiet", "--message", "All of it")
    return folder


@pytest.fixture
def checkout(original: Path, tmp_path: Path) -> Checkout:
    """A copy of it whose tests have passed, at a time when all is well."""
    shutil.copytree(original, tmp_path / "checkout", symlinks=True)
    (tmp_path / "programs").mkdir()
    pretend(tmp_path / "programs" / "flyctl")
    checkout = Checkout(tmp_path / "checkout", tmp_path / "programs")
    checkout.note_tested()
    checkout.answer(all_well())
    return checkout

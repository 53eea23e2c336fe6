"""A checkout that is ready for a release, and stubs of the programs that a release calls."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
APP = "synckairos-staging"
IMAGE = "registry.example/synckairos-staging:deployment-{}"

_STUB = Path(__file__).with_name("stub_program.py")
_SCRIPTS = ("smoke.sh", "check-redis", "check-postgres")
_SECRETS = ("JWT_SECRET", "METRICS_TOKEN", "REDIS_URL", "DATABASE_URL")
_TIMEOUT_S = 30


def status(*checks: str, state: str = "started") -> dict[str, Any]:
    """Return the output of `flyctl status` for two machines with checks of these states."""
    named = [{"name": f"check-{n}", "status": check} for n, check in enumerate(checks)]
    machines = [{"id": f"m{n}", "state": state, "checks": named} for n in range(2)]
    return {"Name": APP, "Deployed": True, "Hostname": f"{APP}.fly.dev", "Machines": machines}


def release(version: int, outcome: str = "complete") -> dict[str, Any]:
    """Return one release of the output of `flyctl releases`."""
    return {"Version": version, "Status": outcome, "ImageRef": IMAGE.format(version)}


def successful_responses() -> dict[str, list[Any]]:
    """Return the responses of a release without faults."""
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
class ScriptResult:
    """Exit code and output of a script, and the calls that it made."""

    code: int
    output: str
    calls: list[list[str]]

    @property
    def order(self) -> list[str]:
        """The calls in order; of flyctl with their subcommand, without other arguments."""
        return [" ".join(call[:2] if call[0] == "flyctl" else call[:1]) for call in self.calls]

    @property
    def deployed(self) -> list[str]:
        """The image of each deployment, `here` if it was built from the checkout."""
        deployments = [call for call in self.calls if call[:2] == ["flyctl", "deploy"]]
        return [
            call[call.index("--image") + 1] if "--image" in call else "here" for call in deployments
        ]


class Checkout:
    """A committed copy of the repository, with stubs of the programs that a release calls."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self._programs = programs
        self.scenario = programs / "scenario"

    def run(self, script: str, *arguments: str, **variables: str) -> ScriptResult:
        """Run a script of the checkout from another folder, and return its result."""
        return self.wait(self.start(script, *arguments, **variables))

    def start(self, script: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a script of the checkout."""
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

    def wait_until_a_call_hangs(self) -> None:
        """Wait until a stub hangs. Raises `TimeoutError` after 30 s."""
        pipe = os.open(self.scenario / "hanging", os.O_RDONLY | os.O_NONBLOCK)
        try:
            if not select.select([pipe], [], [], _TIMEOUT_S)[0]:
                raise TimeoutError
        finally:
            os.close(pipe)

    def wait(self, process: subprocess.Popen[str]) -> ScriptResult:
        """Wait for a started script, at most 30 s, and return its result."""
        try:
            output, _ = process.communicate(timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        return ScriptResult(process.returncode, output, self.calls())

    def calls(self) -> list[list[str]]:
        """Return all calls of the stubs so far."""
        file = self.scenario / "calls.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def set_responses(self, responses: dict[str, list[Any]]) -> None:
        """Set the stubs' responses and delete the recorded calls."""
        shutil.rmtree(self.scenario, ignore_errors=True)
        self.scenario.mkdir()
        os.mkfifo(self.scenario / "hanging")
        (self.scenario / "responses.json").write_text(json.dumps(responses))

    def git(self, *arguments: str) -> str:
        """Run git in the checkout and return its output."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def mark_tested(self) -> None:
        """Record the commit as tested, as `make test-all` does."""
        (self.folder / ".build").mkdir(exist_ok=True)
        (self.folder / ".build" / "tested").write_text(self.git("rev-parse", "HEAD"))


def install_stub(path: Path) -> None:
    """Install the stub at `path`, with the interpreter options that start fastest."""
    code = _STUB.read_text().partition("\n")[2]
    path.write_text(f"#!{sys.executable} -IS\n{code}")
    path.chmod(0o755)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the files that a release reads, committed."""
    folder = tmp_path_factory.mktemp("template") / "checkout"
    ignored = shutil.ignore_patterns("__pycache__", "node_modules", "bases.env")
    for name in ("infra/deployment", "infra/environment", "infra/image", "infra/scripts", "shared"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("__init__.py", "confirm.py", "module.sh", "fly.toml", "fly_toml.py"):
        shutil.copy(ROOT / "infra" / name, folder / "infra" / name)
    shutil.copy(ROOT / "Dockerfile", folder)
    for name in _SCRIPTS:
        install_stub(folder / "infra" / "scripts" / name)
    (folder / ".gitignore").write_text(".venv\n.build/\n__pycache__/\n")
    (folder / ".venv").symlink_to(ROOT / ".venv")
    checkout = Checkout(folder, folder)
    checkout.git("init", "--quiet")
    checkout.git("add", "--all")
    author = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    checkout.git(*author, "commit", "--quiet", "--message", "All of it")
    return folder


@pytest.fixture
def checkout(template: Path, tmp_path: Path) -> Checkout:
    """A copy of the repository whose tests have passed; all calls succeed."""
    shutil.copytree(template, tmp_path / "checkout", symlinks=True)
    (tmp_path / "programs").mkdir()
    install_stub(tmp_path / "programs" / "flyctl")
    checkout = Checkout(tmp_path / "checkout", tmp_path / "programs")
    checkout.mark_tested()
    checkout.set_responses(successful_responses())
    return checkout

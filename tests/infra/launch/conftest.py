"""A launch in an empty folder, with local providers and stubs of the programs that it runs."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from rich.console import Console

from infra.deployment.progress import ProgressReporter
from infra.environment.secret_definitions import Target
from infra.environment.variables import SETTING_NAMES
from infra.launch import __main__ as command
from infra.launch.context import LaunchContext
from infra.launch.journal import Journal
from infra.launch.programs import Programs
from infra.launch.stage_file import StageFile
from infra.launch.supabase import Supabase
from infra.launch.upstash import Upstash
from infra.local.ports import free_port
from tests.infra.launch.fake_supabase import TOKEN, FakeSupabase
from tests.infra.launch.fake_upstash import API_KEY, EMAIL, FakeUpstash
from tests.infra.launch.provider import serving

ROOT = Path(__file__).parents[3]
REGION = "ap-southeast-2"
STAGE = "staging"

_STUB = Path(__file__).with_name("stub_tool.py")
_STUBS = (
    "bin/flyctl",
    "bin/make",
    ".venv/bin/python",
    "infra/scripts/check-redis",
    "infra/scripts/check-postgres",
    "infra/scripts/deploy.sh",
    "infra/scripts/smoke.sh",
    "infra/aws/node_modules/.bin/osls",
)


@dataclass
class Desk:
    """A checkout with stubs, the accounts at both providers, and what a launch left behind."""

    root: Path
    upstash: FakeUpstash
    supabase: FakeSupabase

    def context(self, target: Target, **changes: Any) -> LaunchContext:
        """Return a launch that begins with the journal as it is on disk."""
        launch = LaunchContext(
            target=target,
            stage=STAGE,
            region=REGION,
            app=f"synckairos-{STAGE}",
            file=StageFile(self.root / f".env.{STAGE}"),
            journal=Journal(self.root / ".launch" / f"{STAGE}-{target}.json"),
            tell=ProgressReporter(Console(highlight=False)),
            programs=Programs(self.root),
            require_commit=lambda: None,
            upstash=Upstash(EMAIL, API_KEY, self.upstash.url),
            supabase=Supabase(TOKEN, self.supabase.url),
            yes=True,
            poll_s=0,
        )
        return replace(launch, **changes)

    def launch(self, target: Target, **changes: Any) -> LaunchContext:
        """Launch the stage. Raises `LaunchFailed`."""
        launch = self.context(target, **changes)
        command.run_launch(launch)
        return launch

    def fail(self, *commands: str) -> None:
        """Let the commands with these beginnings fail from now on, and no others."""
        (self._scenario / "failing.json").write_text(json.dumps(commands))

    def write(self, **variables: str) -> None:
        """Add variables to the stage's file."""
        StageFile(self.root / f".env.{STAGE}").update(variables)

    @property
    def variables(self) -> dict[str, str]:
        """The variables in the stage's file."""
        return StageFile(self.root / f".env.{STAGE}").variables()

    @property
    def calls(self) -> list[str]:
        """The programs that were run so far, with their arguments."""
        return [line for line, _ in self._calls()]

    def settings_of(self, program: str) -> dict[str, str]:
        """Return the addresses of stores that the program got when it was last run."""
        return next(given for line, given in reversed(self._calls()) if program in line)

    @property
    def imported(self) -> str:
        """What flyctl got as secrets."""
        return (self._scenario / "imported").read_text()

    @property
    def _scenario(self) -> Path:
        return self.root / "scenario"

    def _calls(self) -> list[tuple[str, dict[str, str]]]:
        file = self._scenario / "calls.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [tuple(json.loads(line)) for line in lines]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A commit that can be released, and accounts without anything in them."""
    code = _STUB.read_text().partition("\n")[2]
    for name in _STUBS:
        _write_program(tmp_path / name, f"#!{sys.executable}\n{code}")
    secrets = f'#!/bin/sh\nexec {sys.executable} -m infra.environment.set_secrets "$@"\n'
    _write_program(tmp_path / "infra/scripts/secrets", secrets)
    _commit(tmp_path)
    for name in SETTING_NAMES:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "scenario").mkdir()
    monkeypatch.setenv("SCENARIO", str(tmp_path / "scenario"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{ROOT / 'clients/python'}")
    desk = Desk(tmp_path, FakeUpstash(), FakeSupabase())
    desk.fail()
    with serving(desk.upstash), serving(desk.supabase):
        yield desk


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The URL of an emulated AWS."""
    server = ThreadedMotoServer("127.0.0.1", free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty AWS account that is logged in."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    yield
    for name in parameters():
        _client("ssm").delete_parameter(Name=f"/synckairos/{STAGE}/{name}")
    _client("cloudformation").delete_stack(StackName=f"synckairos-{STAGE}")


def parameters() -> dict[str, str]:
    """Return the values of the stage's parameters by name."""
    path = f"/synckairos/{STAGE}"
    found = _client("ssm").get_parameters_by_path(Path=path, WithDecryption=True)["Parameters"]
    return {one["Name"].rpartition("/")[2]: one["Value"] for one in found}


def subscribers() -> list[str]:
    """Return the addresses that get alarms."""
    return [one["Endpoint"] for one in _client("sns").list_subscriptions()["Subscriptions"]]


def stacks() -> list[str]:
    """Return the names of the stacks."""
    return [one["StackName"] for one in _client("cloudformation").describe_stacks()["Stacks"]]


def put_parameter(name: str, value: str) -> None:
    """Set a parameter of the stage, as somebody else would."""
    path = f"/synckairos/{STAGE}/{name}"
    _client("ssm").put_parameter(Name=path, Value=value, Type="SecureString")


def _client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


def _write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def _commit(folder: Path) -> None:
    """Make an empty commit; git ignores all files of the folder."""
    author = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    (folder / ".git/info/exclude").write_text("*\n")
    message = ("commit", "--quiet", "--allow-empty", "--message", "All of it")
    subprocess.run(["git", *author, *message], cwd=folder, check=True)

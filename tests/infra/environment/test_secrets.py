"""`secrets` makes what can be made, asks before it replaces, and shows nobody anything."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from infra.environment import set_secrets
from infra.environment.secret_definitions import all_secrets, required_secrets
from infra.environment.variables import SETTING_NAMES
from shared.settings.settings import Settings
from tests.infra.environment.variables import FUNCTIONS, PRODUCTION, lines
from tests.support import commands
from tests.support.commands import CompletedScript

_APP = "synckairos-staging"
_REGION = "ap-southeast-2"
_GIVEN = {name: PRODUCTION[name] for name in ("REDIS_URL", "DATABASE_URL")}

_FLYCTL = (
    f"#!{sys.executable} -IS"
    + """
import json, os, sys
from pathlib import Path
folder = Path(os.environ["FLYCTL_FOLDER"])
text = sys.stdin.read() if sys.argv[2] == "import" else ""
with (folder / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps([sys.argv[1:], text]) + "\\n")
if (folder / "broken").exists():
    sys.exit("Error: not logged in")
if sys.argv[2] == "list":
    print((folder / "present.json").read_text())
"""
)


@dataclass
class Fly:
    """A flyctl that only notes what it is told."""

    folder: Path

    def has(self, *names: str) -> None:
        """These are set already."""
        listed = [{"Name": name, "Digest": "d"} for name in names]
        (self.folder / "present.json").write_text(json.dumps(listed))

    def run(self, *arguments: str | Path, **variables: str) -> CompletedScript:
        """The command, with nobody at the keyboard."""
        return commands.run_main(set_secrets.main, *arguments, **self._surroundings, **variables)

    def run_script(self, *arguments: str | Path, **variables: str) -> CompletedScript:
        """The same by its script."""
        return commands.run_script("secrets", *arguments, **self._surroundings, **variables)

    @property
    def _surroundings(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}:{os.environ['PATH']}", "FLYCTL_FOLDER": str(self.folder)}

    @property
    def calls(self) -> list[tuple[list[str], str]]:
        """All so far, with what they read."""
        file = self.folder / "calls.jsonl"
        return [tuple(json.loads(line)) for line in file.read_text().splitlines()]

    @property
    def written(self) -> dict[str, str]:
        """What was set."""
        text = "".join(text for arguments, text in self.calls if arguments[1] == "import")
        return {line.partition("=")[0]: line.partition("=")[2] for line in text.splitlines()}


@pytest.fixture
def fly(tmp_path: Path) -> Fly:
    """An app without any secret."""
    (tmp_path / "flyctl").write_text(_FLYCTL)
    (tmp_path / "flyctl").chmod(0o755)
    fly = Fly(tmp_path)
    fly.has()
    return fly


def test_what_is_given_is_set_and_what_can_be_made_is_made(fly: Fly) -> None:
    ended = fly.run_script(_APP, "--yes", **_GIVEN)
    assert ended.returncode == 0, ended.stdout
    assert set(fly.written) == {secret.name for secret in required_secrets("fly")}
    assert {name: fly.written[name] for name in _GIVEN} == _GIVEN
    settings = {name.lower(): value for name, value in fly.written.items()}
    Settings.model_validate(settings | {"app_env": "production"})


def test_two_that_are_made_are_not_the_same(fly: Fly) -> None:
    fly.run(_APP, "--yes", **_GIVEN)
    assert fly.written["JWT_SECRET"] != fly.written["METRICS_TOKEN"]
    assert len(fly.written["JWT_SECRET"]) == 64


def test_values_go_through_a_pipe_and_are_shown_to_nobody(fly: Fly, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text(lines(_GIVEN))
    ended = fly.run(_APP, "--file", file, "--yes")
    assert ended.returncode == 0
    assert [call[0][:2] for call in fly.calls] == [["secrets", "list"], ["secrets", "import"]]
    for value in fly.written.values():
        assert value not in ended.stdout + ended.stderr
        assert all(value not in argument for call in fly.calls for argument in call[0])


def test_other_settings_of_the_file_are_set_as_well(fly: Fly, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text(lines(_GIVEN | {"CORS_ORIGINS": "https://a.example", "JWT_ISSUER": ""}))
    fly.run(_APP, "--file", file, "--yes")
    assert fly.written["CORS_ORIGINS"] == "https://a.example"
    assert "JWT_ISSUER" not in fly.written


def test_machines_keep_running_on_the_old_ones_until_a_release(fly: Fly) -> None:
    fly.run(_APP, "--yes", **_GIVEN)
    assert fly.calls[-1][0] == ["secrets", "import", "--app", _APP, "--stage"]


def test_what_is_set_already_stays(fly: Fly) -> None:
    fly.has("JWT_SECRET", "METRICS_TOKEN", "REDIS_URL")
    ended = fly.run(_APP, "--yes", DATABASE_URL=PRODUCTION["DATABASE_URL"])
    assert set(fly.written) == {"DATABASE_URL"}
    assert "JWT_SECRET: unchanged" in ended.stdout


def test_what_is_given_anew_replaces_and_says_what_that_does(fly: Fly) -> None:
    fly.has(*(secret.name for secret in required_secrets("fly")))
    ended = fly.run(_APP, "--yes", JWT_SECRET=PRODUCTION["JWT_SECRET"])
    assert fly.written == {"JWT_SECRET": PRODUCTION["JWT_SECRET"]}
    assert "all tokens signed with the old one become invalid" in ended.stdout


def test_what_is_missing_is_named_and_nothing_is_set(fly: Fly) -> None:
    ended = fly.run(_APP, "--yes", REDIS_URL=PRODUCTION["REDIS_URL"])
    assert (ended.returncode, fly.written) == (1, {})
    assert "DATABASE_URL" in ended.stdout
    assert "session pooler" in ended.stdout


def test_nothing_is_set_without_consent(fly: Fly) -> None:
    ended = fly.run(_APP, **_GIVEN)
    assert (ended.returncode, fly.written) == (1, {})
    assert "--yes" in ended.stdout


def test_a_dry_run_sets_nothing(fly: Fly) -> None:
    ended = fly.run(_APP, "--dry-run", **_GIVEN)
    assert (ended.returncode, fly.written) == (0, {})
    assert "JWT_SECRET: generated" in ended.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [("JWT_SECRET", "short"), ("DATABASE_URL", "mysql://x"), ("METRICS_TOKEN", "x")],
)
def test_what_the_service_would_refuse_is_not_set(fly: Fly, name: str, value: str) -> None:
    ended = fly.run(_APP, "--yes", **_GIVEN | {name: value})
    assert (ended.returncode, fly.written) == (1, {})
    assert name in ended.stdout


def test_a_flyctl_that_won_t_is_a_sentence(fly: Fly) -> None:
    (fly.folder / "broken").touch()
    ended = fly.run(_APP, "--yes", **_GIVEN)
    assert ended.returncode == 1
    assert ended.stdout == "flyctl secrets list: Error: not logged in\n"


def test_without_an_app_it_says_how_it_is_used(fly: Fly) -> None:
    ended = fly.run()
    assert ended.returncode == 2
    assert "APP is missing" in ended.stderr


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """AWS's parameter store, and a file with all that functions need."""
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}.items():
        monkeypatch.setenv(name, value)
    for name in SETTING_NAMES:
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "env"
    given = {name: v for name, v in FUNCTIONS.items() if name != "JWT_SECRET"}
    file.write_text(lines(given))
    with mock_aws():
        yield file


def stored(stage: str) -> dict[str, tuple[str, str]]:
    """What the stage's functions would read: value and kind by name."""
    client = boto3.client("ssm", region_name=_REGION)
    path = f"/synckairos/{stage}"
    found = client.get_parameters_by_path(Path=path, WithDecryption=True)["Parameters"]
    return {one["Name"].rpartition("/")[2]: (one["Value"], one["Type"]) for one in found}


def test_functions_get_theirs_as_secure_strings(aws: Path) -> None:
    arguments = ["--target", "lambda", "--stage", "prod", "--file", str(aws), "--yes"]
    assert set_secrets.main(arguments) == 0
    found = stored("prod")
    assert set(found) == {secret.name for secret in all_secrets("lambda")}
    assert {kind for _, kind in found.values()} == {"SecureString"}


def test_a_second_time_nothing_is_made_anew(aws: Path) -> None:
    arguments = ["--target", "lambda", "--stage", "prod", "--file", str(aws), "--yes"]
    set_secrets.main(arguments)
    before = stored("prod")
    assert set_secrets.main(arguments) == 0
    assert stored("prod") == before

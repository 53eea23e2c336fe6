"""`secrets` generates missing secrets, asks for confirmation, and shows no value."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from infra.environment import secrets_version, set_secrets
from infra.environment.secret_definitions import all_secrets, required_secrets
from infra.environment.variables import SETTING_NAMES
from shared.settings.settings import Settings
from tests.infra.environment.variables import FUNCTIONS, PRODUCTION, lines
from tests.support import commands
from tests.support.commands import CompletedScript

_APP = "synckairos-staging"
_REGION = "ap-southeast-2"
_PROVIDED = {name: PRODUCTION[name] for name in ("REDIS_URL", "DATABASE_URL")}

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
class FlyctlStub:
    """A stub of flyctl that records its calls."""

    folder: Path

    def set_existing(self, *names: str) -> None:
        """Make `flyctl secrets list` return these names."""
        listed = [{"Name": name, "Digest": "d"} for name in names]
        (self.folder / "present.json").write_text(json.dumps(listed))

    def run(self, *arguments: str | Path, **variables: str) -> CompletedScript:
        """Run the command in this process, without a terminal."""
        return commands.run_main(set_secrets.main, *arguments, **self._environment, **variables)

    def run_script(self, *arguments: str | Path, **variables: str) -> CompletedScript:
        """Run the command through its script."""
        return commands.run_script("secrets", *arguments, **self._environment, **variables)

    @property
    def _environment(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}:{os.environ['PATH']}", "FLYCTL_FOLDER": str(self.folder)}

    @property
    def calls(self) -> list[tuple[list[str], str]]:
        """The arguments and the standard input of each call so far."""
        file = self.folder / "calls.jsonl"
        return [tuple(json.loads(line)) for line in file.read_text().splitlines()]

    @property
    def imported(self) -> dict[str, str]:
        """The secrets that were set, by name."""
        text = "".join(text for arguments, text in self.calls if arguments[1] == "import")
        return {line.partition("=")[0]: line.partition("=")[2] for line in text.splitlines()}


@pytest.fixture
def fly(tmp_path: Path) -> FlyctlStub:
    """Stub of flyctl for an app without secrets."""
    (tmp_path / "flyctl").write_text(_FLYCTL)
    (tmp_path / "flyctl").chmod(0o755)
    fly = FlyctlStub(tmp_path)
    fly.set_existing()
    return fly


def test_provided_secrets_are_set_and_missing_ones_generated(fly: FlyctlStub) -> None:
    result = fly.run_script(_APP, "--yes", **_PROVIDED)
    assert result.returncode == 0, result.stdout
    assert set(fly.imported) == {secret.name for secret in required_secrets("fly")}
    assert {name: fly.imported[name] for name in _PROVIDED} == _PROVIDED
    settings = {name.lower(): value for name, value in fly.imported.items()}
    Settings.model_validate(settings | {"app_env": "production"})


def test_each_generated_secret_is_different(fly: FlyctlStub) -> None:
    fly.run(_APP, "--yes", **_PROVIDED)
    assert fly.imported["JWT_SECRET"] != fly.imported["METRICS_TOKEN"]
    assert len(fly.imported["JWT_SECRET"]) == 64


def test_values_are_passed_on_standard_input_and_never_shown(
    fly: FlyctlStub, tmp_path: Path
) -> None:
    file = tmp_path / "env"
    file.write_text(lines(_PROVIDED))
    result = fly.run(_APP, "--file", file, "--yes")
    assert result.returncode == 0
    assert [call[0][:2] for call in fly.calls] == [["secrets", "list"], ["secrets", "import"]]
    for value in fly.imported.values():
        assert value not in result.stdout + result.stderr
        assert all(value not in argument for call in fly.calls for argument in call[0])


def test_other_settings_of_the_file_are_set_too(fly: FlyctlStub, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text(lines(_PROVIDED | {"CORS_ORIGINS": "https://a.example", "JWT_ISSUER": ""}))
    fly.run(_APP, "--file", file, "--yes")
    assert fly.imported["CORS_ORIGINS"] == "https://a.example"
    assert "JWT_ISSUER" not in fly.imported


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("REDIS_ULR", "REDIS_ULR is not a setting; did you mean REDIS_URL?"),
        ("POSTGRES_PASSWORD", "POSTGRES_PASSWORD would not reach the app"),
        ("NODE_ENV", "NODE_ENV would not reach the app"),
        ("PORT", "PORT is 8080 in infra/fly.toml"),
    ],
)
def test_a_variable_of_the_file_that_would_not_arrive_is_refused(
    fly: FlyctlStub, tmp_path: Path, name: str, fault: str
) -> None:
    file = tmp_path / "env"
    file.write_text(lines(_PROVIDED | {name: "3000"}))
    result = fly.run(_APP, "--file", file, "--yes")
    assert (result.returncode, fly.imported) == (1, {})
    assert fault in result.stdout


def test_secrets_are_staged_for_the_next_release(fly: FlyctlStub) -> None:
    fly.run(_APP, "--yes", **_PROVIDED)
    assert fly.calls[-1][0] == ["secrets", "import", "--app", _APP, "--stage"]


def test_existing_secrets_stay_unchanged(fly: FlyctlStub) -> None:
    fly.set_existing("JWT_SECRET", "METRICS_TOKEN", "REDIS_URL")
    result = fly.run(_APP, "--yes", DATABASE_URL=PRODUCTION["DATABASE_URL"])
    assert set(fly.imported) == {"DATABASE_URL"}
    assert "JWT_SECRET: unchanged" in result.stdout


def test_a_replaced_secret_is_reported_with_the_consequences(fly: FlyctlStub) -> None:
    fly.set_existing(*(secret.name for secret in required_secrets("fly")))
    result = fly.run(_APP, "--yes", JWT_SECRET=PRODUCTION["JWT_SECRET"])
    assert fly.imported == {"JWT_SECRET": PRODUCTION["JWT_SECRET"]}
    assert "all tokens signed with the old one become invalid" in result.stdout


def test_a_missing_secret_is_named_and_nothing_is_set(fly: FlyctlStub) -> None:
    result = fly.run(_APP, "--yes", REDIS_URL=PRODUCTION["REDIS_URL"])
    assert (result.returncode, fly.imported) == (1, {})
    assert "DATABASE_URL" in result.stdout
    assert "transaction pooler" in result.stdout


def test_nothing_is_set_without_confirmation(fly: FlyctlStub) -> None:
    result = fly.run(_APP, **_PROVIDED)
    assert (result.returncode, fly.imported) == (1, {})
    assert "--yes" in result.stdout


def test_a_dry_run_sets_nothing(fly: FlyctlStub) -> None:
    result = fly.run(_APP, "--dry-run", **_PROVIDED)
    assert (result.returncode, fly.imported) == (0, {})
    assert "JWT_SECRET: generated" in result.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [("JWT_SECRET", "short"), ("DATABASE_URL", "mysql://x"), ("METRICS_TOKEN", "x")],
)
def test_a_value_that_the_service_would_refuse_is_not_set(
    fly: FlyctlStub, name: str, value: str
) -> None:
    result = fly.run(_APP, "--yes", **_PROVIDED | {name: value})
    assert (result.returncode, fly.imported) == (1, {})
    assert name in result.stdout


def test_a_value_that_flyctl_would_cut_is_not_set(fly: FlyctlStub) -> None:
    result = fly.run(_APP, "--yes", **_PROVIDED | {"DATABASE_URL": "postgresql://a:b#c@db/x"})
    assert (result.returncode, fly.imported) == (1, {})
    assert "DATABASE_URL contains #" in result.stdout


def test_an_error_of_flyctl_is_shown_in_one_line(fly: FlyctlStub) -> None:
    (fly.folder / "broken").touch()
    result = fly.run(_APP, "--yes", **_PROVIDED)
    assert result.returncode == 1
    assert result.stdout == "flyctl secrets list: Error: not logged in\n"


def test_a_missing_app_is_reported(fly: FlyctlStub) -> None:
    result = fly.run()
    assert result.returncode == 2
    assert "APP is missing" in result.stderr


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An emulated Parameter Store; the value is a file with all secrets but `JWT_SECRET`."""
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}.items():
        monkeypatch.setenv(name, value)
    for name in (*SETTING_NAMES, "REGION"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "env"
    given = {name: v for name, v in FUNCTIONS.items() if name != "JWT_SECRET"}
    file.write_text(lines(given))
    with mock_aws():
        yield file


def stored(stage: str, region: str = _REGION) -> dict[str, tuple[str, str]]:
    """Return value and type of each parameter of the stage, by name."""
    client = boto3.client("ssm", region_name=region)
    path = f"/synckairos/{stage}"
    found = client.get_parameters_by_path(Path=path, WithDecryption=True)["Parameters"]
    return {one["Name"].rpartition("/")[2]: (one["Value"], one["Type"]) for one in found}


def test_secrets_of_the_functions_are_stored_as_secure_strings(aws: Path) -> None:
    arguments = ["--target", "lambda", "--stage", "prod", "--file", str(aws), "--yes"]
    assert set_secrets.main(arguments) == 0
    found = stored("prod")
    assert set(found) == {secret.name for secret in all_secrets("lambda")}
    assert {kind for _, kind in found.values()} == {"SecureString"}


def test_a_setting_that_would_not_reach_the_functions_stops_the_command(
    aws: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.write_text(aws.read_text() + "LOG_LEVEL=DEBUG\n")
    arguments = ["--target", "lambda", "--stage", "prod", "--file", str(aws), "--yes"]
    assert set_secrets.main(arguments) == 1
    assert stored("prod") == {}
    assert "set logLevel of the stage in serverless.yml" in capsys.readouterr().out


def test_the_region_is_given_once_for_all(aws: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGION", "eu-central-1")
    arguments = ["--target", "lambda", "--stage", "prod", "--file", str(aws), "--yes"]
    assert set_secrets.main(arguments) == 0
    assert stored("prod") == {}
    assert set(stored("prod", "eu-central-1")) == {one.name for one in all_secrets("lambda")}


def test_a_second_run_changes_nothing(aws: Path) -> None:
    arguments = ["--target", "lambda", "--stage", "prod", "--file", str(aws), "--yes"]
    set_secrets.main(arguments)
    before = stored("prod")
    assert set_secrets.main(arguments) == 0
    assert stored("prod") == before


def printed_version(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the version that `make deploy` gives to the functions."""
    capsys.readouterr()
    secrets_version.main(["--stage", "prod"])
    return capsys.readouterr().out.strip()


def test_the_version_of_the_secrets_changes_with_each_change_of_one(
    aws: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--target", "lambda", "--stage", "prod", "--file", str(aws), "--yes"]
    empty = printed_version(capsys)
    set_secrets.main(arguments)
    assert "make deploy STAGE=prod" in capsys.readouterr().out
    first = printed_version(capsys)
    assert printed_version(capsys) == first != empty
    client = boto3.client("ssm", region_name=_REGION)
    client.put_parameter(
        Name="/synckairos/prod/JWT_SECRET", Value="x" * 32, Type="SecureString", Overwrite=True
    )
    assert printed_version(capsys) not in (empty, first)


def test_other_stages_have_versions_of_their_own(
    aws: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = printed_version(capsys)
    arguments = ["--target", "lambda", "--stage", "dev", "--file", str(aws), "--yes"]
    set_secrets.main(arguments)
    assert printed_version(capsys) == before

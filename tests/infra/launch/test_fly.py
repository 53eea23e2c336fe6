"""`make launch TARGET=fly`: each step, a failure of each one, and what a repetition changes."""

import stat
from pathlib import Path
from typing import Any

import jwt
import pytest

from infra.deployment.release_errors import ReleaseRefused
from infra.launch.errors import LaunchFailed
from infra.launch.http_api import ApiRefused
from infra.launch.upstash import Upstash
from tests.infra.launch.conftest import STAGE, Desk
from tests.infra.launch.provider import LOSE, REFUSE

_APP = f"synckairos-{STAGE}"
_RELEASE = f"deploy.sh {_APP} {STAGE} --yes"
_STORES = {
    "REDIS_URL": "rediss://default:pw@redis.internal:6379",
    "DATABASE_URL": "postgresql://app:pw@db.internal/synckairos",
}


def made(desk: Desk, tmp_path: Path) -> Any:
    """Return what a launch could change: at the providers, in the file and in the journal."""
    journal = (tmp_path / ".launch" / f"{STAGE}-fly.json").read_text()
    return desk.variables, journal, desk.upstash.changes, desk.supabase.changes


def test_an_empty_account_becomes_a_running_stage(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    launch = desk.launch("fly")
    variables = desk.variables
    (database,) = desk.upstash.databases.values()
    (ref,) = desk.supabase.projects
    password = desk.supabase.passwords[ref]
    assert variables.keys() == {"REDIS_URL", "DATABASE_URL", "JWT_SECRET", "METRICS_TOKEN"}
    assert variables["REDIS_URL"] == (
        f"rediss://default:{database['password']}@{database['endpoint']}:6379"
    )
    assert variables["DATABASE_URL"] == (
        f"postgresql://postgres.{ref}:{password}@pooler.supabase.internal:6543/postgres"
    )
    assert f"JWT_SECRET={variables['JWT_SECRET']}\n" in desk.imported
    order = [call for call in desk.calls if not call.startswith("flyctl")]
    assert order == [f"check-redis --stage {STAGE}", "make migrate", "check-postgres", _RELEASE]
    printed = capsys.readouterr().out
    assert f"Address: https://{_APP}.fly.internal" in printed
    token = printed.partition("A token for an hour: ")[2].split()[0]
    assert jwt.decode(token, variables["JWT_SECRET"], ["HS256"])["role"] == "service"
    assert launch.project_ref() == ref


def test_secrets_are_in_the_private_file_only(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.launch("fly")
    journal = tmp_path / ".launch" / f"{STAGE}-fly.json"
    for file in (tmp_path / f".env.{STAGE}", journal):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (password,) = desk.supabase.passwords.values()
    seen = journal.read_text() + capsys.readouterr().out + "".join(desk.calls)
    for secret in (*desk.variables.values(), password):
        assert secret not in seen


def test_programs_get_the_addresses_of_the_file(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://of-something-else")
    desk.launch("fly")
    stores = {name: desk.variables[name] for name in _STORES}
    assert desk.settings_of("deploy.sh") == stores
    assert desk.settings_of("make migrate") == {"DATABASE_URL": stores["DATABASE_URL"]}
    assert desk.settings_of("check-redis") == {"REDIS_URL": stores["REDIS_URL"]}


def test_a_second_launch_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    desk.launch("fly")
    before = made(desk, tmp_path)
    calls = len(desk.calls)
    desk.launch("fly")
    assert made(desk, tmp_path) == before
    repeated = desk.calls[calls:]
    assert _RELEASE not in repeated
    assert not [call for call in repeated if "import" in call or "create" in call]


def test_a_changed_variable_is_set_and_released(desk: Desk) -> None:
    desk.launch("fly")
    desk.write(CORS_ORIGINS="https://a.example")
    desk.launch("fly")
    assert desk.calls.count(_RELEASE) == 2
    assert "CORS_ORIGINS=https://a.example" in desk.imported


def test_stores_in_the_file_are_taken(desk: Desk) -> None:
    desk.write(**_STORES, JWT_SECRET="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b")
    desk.launch("fly", upstash=None, supabase=None)
    assert _STORES.items() <= desk.variables.items()
    assert desk.variables["JWT_SECRET"] == "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"
    assert desk.upstash.requests == desk.supabase.requests == []


@pytest.mark.parametrize(
    "command",
    [
        "flyctl auth",
        "check-redis",
        "make migrate",
        "check-postgres",
        "flyctl apps create",
        "flyctl secrets import",
        "deploy.sh",
        "flyctl status",
    ],
)
def test_after_a_failure_the_same_command_goes_on(desk: Desk, command: str) -> None:
    desk.fail(command)
    with pytest.raises(LaunchFailed):
        desk.launch("fly")
    if command != "flyctl auth":
        assert desk.calls[-1].startswith(command)
    secret = desk.variables.get("JWT_SECRET")
    desk.fail()
    desk.launch("fly")
    assert _RELEASE in desk.calls
    assert (len(desk.upstash.databases), len(desk.supabase.projects)) == (1, 1)
    assert secret in (None, desk.variables["JWT_SECRET"])


@pytest.mark.parametrize(
    ("provider", "route"),
    [
        ("upstash", "POST /redis/database"),
        ("upstash", "GET /redis/database/{number}"),
        ("supabase", "POST /projects"),
        ("supabase", "GET /projects/{ref}"),
        ("supabase", "GET /projects/{ref}/config/database/pooler"),
    ],
)
@pytest.mark.parametrize("fault", [REFUSE, LOSE])
def test_after_a_fault_of_a_provider_nothing_is_created_twice(
    desk: Desk, provider: str, route: str, fault: str
) -> None:
    getattr(desk, provider).faults[route] = fault
    with pytest.raises(LaunchFailed, match="refused" if fault == REFUSE else "no answer"):
        desk.launch("fly")
    desk.launch("fly")
    assert (len(desk.upstash.databases), len(desk.supabase.projects)) == (1, 1)
    (password,) = desk.supabase.passwords.values()
    assert password in desk.variables["DATABASE_URL"]
    assert "POSTGRES_PASSWORD" not in desk.variables


def test_a_refused_creation_leaves_nothing_to_delete(desk: Desk) -> None:
    desk.upstash.faults["POST /redis/database"] = REFUSE
    with pytest.raises(ApiRefused, match="lack this right"):
        desk.launch("fly")
    assert desk.context("fly").journal.resource("redis") is None


def test_the_doctor_names_everything_that_is_missing(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.fail("flyctl auth")
    desk.write(REDIS_ULR="redis://x")

    def refuse() -> None:
        raise ReleaseRefused("There are uncommitted changes")

    with pytest.raises(LaunchFailed, match="Nothing was changed"):
        desk.launch("fly", region="nowhere", upstash=None, supabase=None, require_commit=refuse)
    printed = capsys.readouterr().out
    for said in (
        "did you mean REDIS_URL?",
        "is not a region of AWS",
        "UPSTASH_API_KEY",
        "SUPABASE_ACCESS_TOKEN",
        "fly auth login",
        "uncommitted changes",
    ):
        assert said in printed
    assert desk.upstash.changes == desk.supabase.changes == []


def test_wrong_credentials_are_explained(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LaunchFailed):
        desk.launch("fly", upstash=Upstash("me@example.com", "wrong", desk.upstash.url))
    assert "credentials are wrong or expired" in capsys.readouterr().out


def test_several_organizations_require_a_choice(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.supabase.organizations.append("another")
    with pytest.raises(LaunchFailed):
        desk.launch("fly")
    assert "ORGANIZATION=: my-organization, another" in capsys.readouterr().out
    desk.launch("fly", organization="another")


def test_nothing_is_created_without_consent(desk: Desk) -> None:
    with pytest.raises(LaunchFailed, match="Create a Redis database"):
        desk.launch("fly", yes=False)
    assert desk.upstash.changes == []


def test_a_launch_goes_on_in_the_region_in_which_it_began(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.context("fly").journal.record("region", "eu-central-1")
    with pytest.raises(LaunchFailed):
        desk.launch("fly")
    assert "give REGION=eu-central-1" in capsys.readouterr().out

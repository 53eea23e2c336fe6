"""`make launch TARGET=lambda`: keys, parameters, the deployment and its rollback, and alarms."""

import io
import json
import sys

import pytest

from infra.launch.doctor import quota_message
from infra.launch.errors import LaunchFailed
from infra.launch.keys import new_signing_key
from infra.launch.stage_file import StageFile
from shared.auth.supabase_tokens import SupabaseTokenSigner
from tests.infra.environment.variables import FUNCTIONS
from tests.infra.launch.conftest import (
    REGION,
    STAGE,
    Desk,
    parameters,
    put_parameter,
    stacks,
    subscribers,
)

_DEPLOYMENT = f"make deploy STAGE={STAGE} REGION={REGION}"
_SMOKE = "smoke.sh https://api.internal"
_DATABASE = "postgresql://app:pw@db.internal/synckairos"

pytestmark = pytest.mark.usefixtures("aws")


def test_an_empty_account_becomes_a_running_stage(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.launch("lambda", alarms_to="me@example.com")
    (ref,) = desk.supabase.projects
    written = desk.variables
    assert written["SUPABASE_URL"] == f"https://{ref}.supabase.co"
    assert written["SUPABASE_PUBLISHABLE_KEY"] == "sb_publishable_5TqkW8"
    jwk = json.loads(written["SUPABASE_SIGNING_KEY"])
    assert desk.supabase.keys_in_use(ref) == [jwk["kid"]]
    stored = parameters()
    assert stored == {name: written[name] for name in FUNCTIONS}
    order = [call for call in desk.calls if not call.startswith("python")]
    expected = [f"check-redis --stage {STAGE}", "make migrate", "check-postgres"]
    assert order == [*expected, _DEPLOYMENT, _SMOKE]
    assert "me@example.com" in subscribers()
    assert "Address: https://api.internal" in capsys.readouterr().out


def test_a_second_launch_changes_nothing(desk: Desk) -> None:
    desk.launch("lambda")
    journal = desk.context("lambda").journal.path
    before = desk.variables, parameters(), desk.supabase.changes, journal.read_text()
    desk.launch("lambda")
    assert (desk.variables, parameters(), desk.supabase.changes, journal.read_text()) == before
    assert desk.calls.count(_DEPLOYMENT) == 1


@pytest.mark.parametrize("command", ["make migrate", "make deploy", "smoke.sh"])
def test_after_a_failure_the_same_command_goes_on(desk: Desk, command: str) -> None:
    desk.fail(command)
    with pytest.raises(LaunchFailed):
        desk.launch("lambda")
    desk.fail()
    desk.launch("lambda")
    assert desk.calls[-2:] == [_SMOKE, "python -m infra.costs"]
    assert (len(desk.upstash.databases), len(desk.supabase.projects)) == (1, 1)


def test_a_first_deployment_that_fails_has_nothing_to_go_back_to(desk: Desk) -> None:
    desk.fail("smoke.sh")
    with pytest.raises(LaunchFailed, match="first deployment"):
        desk.launch("lambda")
    assert not [call for call in desk.calls if "rollback" in call]


def test_a_later_deployment_that_fails_is_rolled_back(desk: Desk) -> None:
    desk.launch("lambda")
    desk.write(JWT_SECRET="60303ae22b998861bce3b28f33eec1be758a213c")
    desk.fail("smoke.sh")
    with pytest.raises(LaunchFailed, match="Rolled back to the deployment 1700000000000"):
        desk.launch("lambda")
    where = f"--stage {STAGE} --region {REGION}"
    assert f"osls rollback --timestamp 1700000000000 {where}" in desk.calls
    desk.fail()
    desk.launch("lambda")
    assert desk.calls.count(_DEPLOYMENT) == 3


def test_a_failed_rollback_says_what_to_do_at_once(desk: Desk) -> None:
    desk.launch("lambda")
    desk.write(JWT_SECRET="60303ae22b998861bce3b28f33eec1be758a213c")
    desk.fail("smoke.sh", "osls rollback")
    with pytest.raises(LaunchFailed, match=r"Act at once: .*osls rollback --timestamp 17"):
        desk.launch("lambda")


def test_a_project_in_the_file_is_taken_with_its_keys(desk: Desk) -> None:
    ref = desk.supabase.add("my app", "pw")
    taken = FUNCTIONS | {"SUPABASE_URL": f"https://{ref}.supabase.co", "DATABASE_URL": _DATABASE}
    desk.write(**taken)
    desk.launch("lambda", upstash=None, supabase=None)
    assert desk.variables == taken
    assert "DATABASE_URL" not in parameters()
    assert desk.supabase.requests == []


def test_keys_of_a_project_in_the_file_are_rotated_only_on_a_terminal(desk: Desk) -> None:
    """Even with `yes`: Supabase Auth would sign the tokens of all its users with the new key."""
    ref = desk.supabase.add("my app", "pw")
    in_use = desk.supabase.keys_in_use(ref)
    desk.write(SUPABASE_URL=f"https://{ref}.supabase.co", DATABASE_URL=_DATABASE)
    with pytest.raises(LaunchFailed, match="Rotate the project's signing keys"):
        desk.launch("lambda")
    assert desk.supabase.keys_in_use(ref) == in_use
    jwk = json.loads(desk.variables["SUPABASE_SIGNING_KEY"])
    assert desk.supabase.signing_keys[ref][-1]["id"] == jwk["kid"]
    assert desk.supabase.signing_keys[ref][-1]["status"] == "standby"
    with pytest.raises(LaunchFailed, match="Rotate"):
        desk.launch("lambda")
    assert len(desk.supabase.signing_keys[ref]) == 2
    assert len(desk.supabase.projects) == 1


def test_keys_of_a_project_in_the_file_are_rotated_after_a_yes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = desk.supabase.add("my app", "pw")
    url = f"https://{ref}.supabase.co"
    desk.write(**FUNCTIONS | {"SUPABASE_URL": url, "DATABASE_URL": _DATABASE})
    StageFile(desk.root / f".env.{STAGE}").update({}, remove=["SUPABASE_SIGNING_KEY"])
    terminal = io.StringIO("y\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    desk.launch("lambda")
    jwk = json.loads(desk.variables["SUPABASE_SIGNING_KEY"])
    assert desk.supabase.keys_in_use(ref) == [jwk["kid"]]


def test_half_of_the_addresses_is_refused(desk: Desk) -> None:
    desk.write(UPSTASH_REDIS_REST_URL="https://quick.upstash.internal")
    with pytest.raises(LaunchFailed, match="but not UPSTASH_REDIS_REST_TOKEN"):
        desk.launch("lambda")
    assert desk.upstash.changes == []


def test_parameters_of_somebody_else_are_replaced_with_consent_only(desk: Desk) -> None:
    desk.write(**FUNCTIONS, DATABASE_URL=_DATABASE)
    put_parameter("JWT_SECRET", "somebody's")
    with pytest.raises(LaunchFailed, match="Replace the parameters JWT_SECRET of staging"):
        desk.launch("lambda", yes=False)
    assert parameters() == {"JWT_SECRET": "somebody's"}


def test_a_setting_of_serverless_yml_is_refused_in_the_file(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.write(LOG_LEVEL="DEBUG")
    with pytest.raises(LaunchFailed, match="Not ready: variables"):
        desk.launch("lambda")
    assert "set logLevel of the stage in serverless.yml" in capsys.readouterr().out


def test_stages_that_reserve_nothing_have_no_quota() -> None:
    assert quota_message(10, 0).startswith("10 concurrent")
    assert quota_message(1000, 104).endswith("104 of them reserved")
    assert "unknown" in quota_message(None, 104)
    with pytest.raises(LaunchFailed, match="204 needed"):
        quota_message(203, 104)


def test_a_new_signing_key_signs_tokens_and_is_unique() -> None:
    key, other = new_signing_key(), new_signing_key()
    signer = SupabaseTokenSigner.from_jwk(json.dumps(key))
    assert (signer.algorithm, signer.key_id) == ("ES256", key["kid"])
    assert signer.issue("x", 2_000_000_000, {})[1] == 2_000_000_000
    assert {key["kid"], key["d"]}.isdisjoint({other["kid"], other["d"]})


def test_stacks_of_other_owners_are_updated_and_not_recorded(desk: Desk) -> None:
    desk.launch("lambda")
    desk.context("lambda").journal.forget("stack")
    desk.write(JWT_SECRET="60303ae22b998861bce3b28f33eec1be758a213c")
    desk.launch("lambda")
    assert desk.context("lambda").journal.resource("stack") is None
    assert stacks() == [f"synckairos-{STAGE}"]

"""`make destroy` deletes what the journal names, and nothing else; it can be resumed."""

import io
import sys

import pytest

from infra.launch import __main__ as command
from infra.launch.context import LaunchContext
from infra.launch.errors import LaunchFailed
from infra.launch.journal import Journal
from tests.infra.launch.conftest import STAGE, Desk, parameters, put_parameter, stacks
from tests.infra.launch.provider import LOSE, REFUSE

_DELETION = "DELETE /redis/database/{number}"


def destroy(launch: LaunchContext, monkeypatch: pytest.MonkeyPatch, typed: str = STAGE) -> None:
    """Destroy, and type this when asked for the stage's name."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{typed}\n"))
    command.run_destroy(launch)


def test_only_what_launch_created_is_deleted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = desk.upstash.add("theirs"), desk.supabase.add("theirs", "pw")
    desk.launch("fly")
    secret = desk.variables["JWT_SECRET"]
    destroy(desk.context("fly"), monkeypatch)
    assert (list(desk.upstash.databases), list(desk.supabase.projects)) == (
        [theirs[0]],
        [theirs[1]],
    )
    assert f"flyctl apps destroy synckairos-{STAGE} --yes" in desk.calls
    assert desk.variables.keys() == {"JWT_SECRET", "METRICS_TOKEN"}
    assert desk.variables["JWT_SECRET"] == secret
    assert not desk.context("fly").journal.path.exists()


def test_stores_and_an_app_that_were_taken_stay(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.write(REDIS_URL="rediss://default:pw@r.internal", DATABASE_URL="postgresql://a:b@d/x")
    launch = desk.context("fly")
    launch.programs.run("flyctl", "apps", "create", launch.app)
    desk.launch("fly")
    before = desk.variables
    destroy(desk.context("fly"), monkeypatch)
    assert "Nothing to delete" in capsys.readouterr().out
    assert desk.variables == before
    assert not [call for call in desk.calls if "destroy" in call]


def test_an_app_of_another_name_stays(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.launch("fly")
    destroy(desk.context("fly", app="somebody-s"), monkeypatch)
    destroyed = [call for call in desk.calls if call.startswith("flyctl apps destroy")]
    assert destroyed == [f"flyctl apps destroy synckairos-{STAGE} --yes"]


@pytest.mark.parametrize("typed", ["", "y", "production"])
def test_another_name_deletes_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    desk.launch("fly")
    with pytest.raises(LaunchFailed, match="Nothing was deleted"):
        destroy(desk.context("fly"), monkeypatch, typed)
    assert (len(desk.upstash.databases), len(desk.supabase.projects)) == (1, 1)


@pytest.mark.parametrize("fault", [REFUSE, LOSE])
def test_after_a_fault_the_same_command_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    desk.launch("fly")
    desk.upstash.faults[_DELETION] = fault
    with pytest.raises(LaunchFailed):
        destroy(desk.context("fly"), monkeypatch)
    assert desk.supabase.projects == {}
    destroy(desk.context("fly"), monkeypatch)
    assert desk.upstash.databases == {}


@pytest.mark.parametrize("kind", ["redis", "project"])
def test_what_was_created_just_before_an_interruption_is_found_and_deleted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    finish = Journal.finish

    def interrupt(journal: Journal, created: str, created_id: str) -> None:
        if created == kind:
            raise KeyboardInterrupt
        finish(journal, created, created_id)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "finish", interrupt)
        with pytest.raises(KeyboardInterrupt):
            desk.launch("fly")
    destroy(desk.context("fly"), monkeypatch)
    assert (desk.upstash.databases, desk.supabase.projects) == ({}, {})
    assert "POSTGRES_PASSWORD" not in desk.variables


def test_a_launch_after_a_destruction_creates_everything_anew(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.launch("fly")
    destroy(desk.context("fly"), monkeypatch)
    desk.launch("fly")
    assert (len(desk.upstash.databases), len(desk.supabase.projects)) == (1, 1)


@pytest.mark.usefixtures("aws")
def test_the_stack_and_its_parameters_are_deleted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_parameter("OTHER", "somebody's")
    desk.launch("lambda")
    destroy(desk.context("lambda"), monkeypatch)
    assert stacks() == []
    assert parameters() == {"OTHER": "somebody's"}
    assert (desk.upstash.databases, desk.supabase.projects) == ({}, {})


def test_without_a_journal_there_is_nothing_to_delete(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    destroy(desk.context("fly"), monkeypatch)
    assert "Nothing to delete" in capsys.readouterr().out


def test_a_damaged_journal_is_reported(desk: Desk) -> None:
    path = desk.context("fly").journal.path
    path.parent.mkdir()
    path.write_text("{")
    with pytest.raises(LaunchFailed, match="is damaged"):
        desk.context("fly")

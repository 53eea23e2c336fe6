"""`deploy.sh`: refused while nothing is changed, or done, or undone."""

import json
import signal
from typing import Any

import pytest

from infra.deployment.__main__ import main
from infra.deployment.deadline import Deadline
from infra.deployment.fly import FlyApp
from tests.infra.deployment.conftest import APP, IMAGE, Checkout, all_well, release, status
from tests.support import commands

_BEFORE = [
    "flyctl apps",
    "flyctl secrets",
    "check-redis",
    "check-postgres",
    "flyctl releases",
]
_AFTER = ["flyctl deploy", "flyctl status", "flyctl status", "smoke.sh"]
_REPORT = ["flyctl releases", "flyctl status"]

_GOOD = {
    "flyctl apps": "flyctl apps list",
    "flyctl secrets": "flyctl secrets list",
}

_PREVIOUS = IMAGE.format(41)
_ANY = "synckairos"
"""An app that says nothing of its stage."""


def deploy(checkout: Checkout, *more: str, **variables: str) -> Any:
    """Release the checkout to staging; nobody is there to ask."""
    return checkout.ends("deploy.sh", APP, "staging", "--yes", *more, **variables)


def failing(step: str, occurrence: int = 0) -> dict[str, list[Any]]:
    """All is well, but for one call of `step`."""
    answers = all_well()
    name = _GOOD.get(step, step)
    good = answers[name]
    answers[name] = [*([good[0]] * occurrence), "it broke", *good]
    return answers


def test_a_release_looks_then_deploys_then_waits_then_plays(checkout: Checkout) -> None:
    ended = deploy(checkout)
    assert ended.code == 0, ended.said
    assert ended.order == [*_BEFORE, *_AFTER, *_REPORT]
    assert ended.deployed == ["here"]
    assert f"rollback.sh {APP} v41" in ended.said
    assert f"https://{APP}.fly.dev" in ended.said


def test_it_builds_what_is_checked_out_and_says_which_commit(checkout: Checkout) -> None:
    call = next(c for c in deploy(checkout).calls if c[:2] == ["flyctl", "deploy"])
    assert call[2] == str(checkout.folder)
    assert f"REVISION={checkout.git('rev-parse', 'HEAD')}" in call
    assert call[call.index("--config") + 1] == str(checkout.folder / "infra" / "fly.toml")
    assert call[call.index("--dockerfile") + 1] == str(checkout.folder / "Dockerfile")


def test_bases_that_are_pinned_are_built_on(checkout: Checkout) -> None:
    pins = {"BUILD_IMAGE": "a@sha256:" + "1" * 64, "RUN_IMAGE": "b@sha256:" + "2" * 64}
    pin(checkout, "\n".join(f"{name}={value}" for name, value in pins.items()))
    call = next(c for c in deploy(checkout).calls if c[:2] == ["flyctl", "deploy"])
    assert [f"{name}={value}" in call for name, value in pins.items()] == [True, True]


@pytest.mark.parametrize("step", _BEFORE)
def test_what_fails_before_changes_nothing(checkout: Checkout, step: str) -> None:
    checkout.answer(failing(step))
    ended = deploy(checkout)
    assert (ended.code, ended.deployed) == (1, [])
    assert ended.order[-1] == step
    assert "it broke" in ended.said


@pytest.mark.parametrize(
    ("step", "occurrence"),
    [("flyctl deploy", 0), ("flyctl status", 0), ("flyctl status", 1), ("smoke.sh", 0)],
)
def test_what_fails_after_is_undone(checkout: Checkout, step: str, occurrence: int) -> None:
    checkout.answer(failing(step, occurrence))
    ended = deploy(checkout)
    assert (ended.code, ended.deployed) == (2, ["here", _PREVIOUS])
    assert "it broke" in ended.said
    assert "Rolled back: v41 serves again" in ended.said
    assert ended.order[-1] == "smoke.sh"


@pytest.mark.parametrize(("step", "occurrence"), [("flyctl releases", 1), ("flyctl status", 2)])
def test_a_report_that_can_t_be_made_undoes_nothing(
    checkout: Checkout, step: str, occurrence: int
) -> None:
    checkout.answer(failing(step, occurrence))
    ended = deploy(checkout)
    assert (ended.code, ended.deployed) == (0, ["here"])


def test_machines_that_never_get_well_are_rolled_back(checkout: Checkout) -> None:
    answers = all_well()
    answers["flyctl status"] = [status("passing", "critical")]
    checkout.answer(answers)
    ended = deploy(checkout, "--seconds", "2")
    assert (ended.code, ended.deployed) == (3, ["here", _PREVIOUS])
    assert "check-1 of machine m0 is critical" in ended.said.partition("ROLLBACK FAILED")[0]


@pytest.mark.parametrize(
    ("said", "faults"),
    [
        (status("passing"), []),
        (
            status("passing", state="stopped"),
            ["machine m0 is stopped", "machine m1 is stopped"],
        ),
        (status(), ["machine m0 has no checks yet", "machine m1 has no checks yet"]),
        ({**status(), "Machines": []}, ["there is no machine"]),
    ],
)
def test_what_keeps_machines_from_being_well_is_named(
    said: Any, faults: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.deployment.fly.output", lambda *_: json.dumps(said))
    assert FlyApp(APP, Deadline(1)).unhealthy() == faults


def test_machines_that_get_well_in_time_are_waited_for(checkout: Checkout) -> None:
    answers = all_well()
    answers["flyctl status"] = [status("warning"), status("warning"), status("passing")]
    checkout.answer(answers)
    assert deploy(checkout).code == 0


def test_a_way_back_that_fails_as_well_is_said_aloud(checkout: Checkout) -> None:
    answers = all_well()
    answers["flyctl deploy"] = ["it broke"]
    checkout.answer(answers)
    ended = deploy(checkout)
    assert ended.code == 3
    assert "THE ROLLBACK FAILED" in ended.said
    assert f"--image {_PREVIOUS}" in ended.said


def test_a_first_release_that_fails_has_nothing_to_go_back_to(checkout: Checkout) -> None:
    answers = failing("smoke.sh")
    answers["flyctl releases"] = [[release(1, "failed")]]
    checkout.answer(answers)
    ended = deploy(checkout)
    assert (ended.code, ended.deployed) == (3, ["here"])
    assert "no previous release" in ended.said


def test_a_flyctl_that_hangs_ends_with_the_time(checkout: Checkout) -> None:
    answers = all_well()
    answers["flyctl deploy"] = [None, {}]
    checkout.answer(answers)
    ended = deploy(checkout, "--seconds", "3")
    assert (ended.code, ended.deployed) == (2, ["here", _PREVIOUS])
    assert "took too long" in ended.said


def test_what_is_not_committed_is_not_released(checkout: Checkout) -> None:
    (checkout.folder / "new.py").write_text("")
    ended = deploy(checkout)
    assert (ended.code, ended.calls) == (1, [])
    assert "?? new.py" in ended.said


@pytest.mark.parametrize("stage", ["staging", "production"])
def test_a_commit_whose_tests_have_not_passed_is_not_released(
    checkout: Checkout, stage: str
) -> None:
    (checkout.folder / ".build" / "tested").write_text("0" * 40)
    ended = checkout.ends("deploy.sh", _ANY, stage, "--yes")
    assert (ended.code, ended.calls) == (1, [])
    assert "make test" in ended.said


def test_staging_may_go_untested_and_production_may_not(checkout: Checkout) -> None:
    (checkout.folder / ".build" / "tested").unlink()
    assert deploy(checkout, "--tests", "skip").code == 0
    ended = checkout.ends("deploy.sh", _ANY, "production", "--yes", "--tests", "skip")
    assert ended.code == 1
    assert "--tests skip is not allowed" in ended.said


@pytest.mark.parametrize("pins", [None, "BUILD_IMAGE=python:3.11\nRUN_IMAGE=b@sha256:2"])
def test_production_is_built_on_pinned_bases_only(checkout: Checkout, pins: str | None) -> None:
    if pins:
        pin(checkout, pins)
    ended = checkout.ends("deploy.sh", _ANY, "production", "--yes")
    assert (ended.code, ended.calls) == (1, [])
    assert "infra/image/pin" in ended.said


def test_an_app_that_is_not_there_is_not_made(checkout: Checkout) -> None:
    checkout.answer(all_well() | {"flyctl apps list": [[{"Name": "another"}]]})
    ended = deploy(checkout)
    assert (ended.code, ended.deployed) == (1, [])
    assert f"flyctl apps create {APP}" in ended.said


def test_each_secret_that_is_missing_is_named(checkout: Checkout) -> None:
    checkout.answer(all_well() | {"flyctl secrets list": [[{"name": "REDIS_URL"}]]})
    ended = deploy(checkout)
    assert (ended.code, ended.deployed) == (1, [])
    assert "JWT_SECRET" in ended.said
    assert "DATABASE_URL" in ended.said
    assert "REDIS_URL," not in ended.said


@pytest.mark.parametrize("variables", [{"JWT_SECRET": ""}])
def test_a_smoke_test_that_would_not_be_let_in_stops_it(
    checkout: Checkout, variables: dict[str, str]
) -> None:
    ended = deploy(checkout, **variables)
    assert (ended.code, ended.calls) == (1, [])
    assert "SMOKE_TOKEN" in ended.said
    assert deploy(checkout, **variables, SMOKE_TOKEN="t").code == 0


@pytest.mark.parametrize("odd", [[], {"Hostname": "h", "Machines": [None]}, {"Machines": 7}])
def test_what_nobody_expected_is_undone_as_well(checkout: Checkout, odd: Any) -> None:
    answers = all_well()
    answers["flyctl status"] = [odd, *answers["flyctl status"]]
    checkout.answer(answers)
    ended = deploy(checkout)
    assert (ended.code, ended.deployed) == (2, ["here", _PREVIOUS])


def test_the_way_back_migrates_nothing(checkout: Checkout) -> None:
    checkout.answer(failing("smoke.sh"))
    calls = [c for c in deploy(checkout).calls if c[:2] == ["flyctl", "deploy"]]
    assert ["--skip-release-command" in call for call in calls] == [False, True]


@pytest.mark.parametrize(("app", "stage"), [("x-production", "staging"), ("x-staging", "dev")])
def test_an_app_of_another_stage_is_not_touched(app: str, stage: str) -> None:
    ended = commands.run_main(main, "deploy", app, stage, "--yes")
    assert ended.returncode == 1
    assert f"{app} is not for {stage}" in ended.stderr


@pytest.mark.parametrize("name", ["REDIS_URL", "DATABASE_URL"])
def test_a_store_that_can_t_be_looked_at_stops_it(checkout: Checkout, name: str) -> None:
    ended = deploy(checkout, **{name: ""})
    assert (ended.code, ended.deployed) == (1, [])
    assert f"{name} is not in the environment" in ended.said


def test_without_consent_and_nobody_to_ask_nothing_is_done(checkout: Checkout) -> None:
    ended = checkout.ends("deploy.sh", APP, "staging")
    assert (ended.code, ended.deployed) == (1, [])
    assert "--yes" in ended.said


def test_a_wrong_argument_ends_the_script_before_it_calls_anything(checkout: Checkout) -> None:
    ended = checkout.ends("deploy.sh", "--yes", "../etc", "staging")
    assert (ended.code, ended.calls) == (1, [])
    assert "usage: deploy.sh" in ended.said


@pytest.mark.parametrize("app", ["--foo", "a;b", "A", "", "a" * 64, "a b"])
def test_what_is_no_name_of_an_app_is_refused(app: str) -> None:
    ended = commands.run_main(main, "deploy", "--yes", app, "staging")
    assert ended.returncode == 1
    assert "usage: deploy.sh" in ended.stderr


def test_no_other_stage_is_known() -> None:
    ended = commands.run_main(main, "deploy", APP, "prod", "--yes")
    assert ended.returncode == 1
    assert "production" in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_after_the_deployment_began_is_undone(
    checkout: Checkout, number: signal.Signals
) -> None:
    answers = all_well()
    answers["flyctl deploy"] = [None, {}]
    checkout.answer(answers)
    process = checkout.begun("deploy.sh", APP, "staging", "--yes")
    while ["flyctl", "deploy"] not in [call[:2] for call in checkout.calls()]:
        assert process.poll() is None
    process.send_signal(number)
    ended = checkout.finished(process)
    assert (ended.code, ended.deployed) == (2, ["here", _PREVIOUS])


def pin(checkout: Checkout, lines: str) -> None:
    """Have the bases pinned so, and that committed and tested."""
    (checkout.folder / "infra" / "image" / "bases.env").write_text(lines)
    checkout.git("add", "--all")
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    checkout.git(*who, "commit", "--quiet", "--message", "Pinned")
    checkout.note_tested()

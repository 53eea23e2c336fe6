"""`deploy.sh` refuses before it changes anything, or deploys, or rolls a failed release back."""

import json
import signal
from typing import Any

import pytest

from infra.deployment.__main__ import main
from infra.deployment.deadline import Deadline
from infra.deployment.fly import FlyApp
from tests.infra.deployment.conftest import (
    APP,
    IMAGE,
    Checkout,
    release,
    status,
    successful_responses,
)
from tests.support import commands

_CALLS_BEFORE = [
    "flyctl apps",
    "flyctl secrets",
    "check-redis",
    "check-postgres",
    "flyctl status",
    "flyctl releases",
]
_CALLS_OF_DEPLOYMENT = ["flyctl deploy", "flyctl status", "flyctl status", "smoke.sh"]
_CALLS_OF_REPORT = ["flyctl releases", "flyctl status"]

_COMMANDS = {
    "flyctl apps": "flyctl apps list",
    "flyctl secrets": "flyctl secrets list",
}

_STOPPED = {"id": "m2", "state": "stopped", "checks": []}
_PREVIOUS = IMAGE.format(41)
_APP_WITHOUT_STAGE = "synckairos"
"""An app whose name contains no stage, so that it is accepted for each."""


def deploy(checkout: Checkout, *more: str, **variables: str) -> Any:
    """Release the checkout to staging, without asking for confirmation."""
    return checkout.run("deploy.sh", APP, "staging", "--yes", *more, **variables)


def failing(step: str, occurrence: int = 0) -> dict[str, list[Any]]:
    """Return responses of which one fails: that to call number `occurrence` of `step`."""
    responses = successful_responses()
    name = _COMMANDS.get(step, step)
    successes = responses[name]
    responses[name] = [*([successes[0]] * occurrence), "it broke", *successes]
    return responses


def test_a_release_checks_deploys_waits_for_health_and_runs_the_smoke_test(
    checkout: Checkout,
) -> None:
    result = deploy(checkout)
    assert result.code == 0, result.output
    assert result.order == [*_CALLS_BEFORE, *_CALLS_OF_DEPLOYMENT, *_CALLS_OF_REPORT]
    assert result.deployed == ["here"]
    assert f"rollback.sh {APP} v41" in result.output
    assert f"https://{APP}.fly.dev" in result.output


def test_the_redis_is_checked_for_the_stage(checkout: Checkout) -> None:
    (call,) = [call for call in deploy(checkout).calls if call[0] == "check-redis"]
    assert call[1:] == ["--stage", "staging"]


def test_it_builds_the_checkout_and_passes_the_commit_as_revision(checkout: Checkout) -> None:
    call = next(c for c in deploy(checkout).calls if c[:2] == ["flyctl", "deploy"])
    assert call[2] == str(checkout.folder)
    assert f"REVISION={checkout.git('rev-parse', 'HEAD')}" in call
    assert call[call.index("--config") + 1] == str(checkout.folder / "infra" / "fly.toml")
    assert call[call.index("--dockerfile") + 1] == str(checkout.folder / "Dockerfile")


def test_pinned_base_images_are_used(checkout: Checkout) -> None:
    names = ("NODE_IMAGE", "BUILD_IMAGE", "RUN_IMAGE")
    pins = {name: f"{name.lower()}@sha256:" + "1" * 64 for name in names}
    pin(checkout, "\n".join(f"{name}={value}" for name, value in pins.items()))
    call = next(c for c in deploy(checkout).calls if c[:2] == ["flyctl", "deploy"])
    assert [f"{name}={value}" in call for name, value in pins.items()] == [True] * 3


@pytest.mark.parametrize("step", _CALLS_BEFORE)
def test_a_failure_before_the_deployment_changes_nothing(checkout: Checkout, step: str) -> None:
    checkout.set_responses(failing(step))
    result = deploy(checkout)
    assert (result.code, result.deployed) == (1, [])
    assert result.order[-1] == step
    assert "it broke" in result.output


@pytest.mark.parametrize(
    ("step", "occurrence"),
    [("flyctl deploy", 0), ("flyctl status", 1), ("flyctl status", 2), ("smoke.sh", 0)],
)
def test_a_failure_after_the_deployment_is_rolled_back(
    checkout: Checkout, step: str, occurrence: int
) -> None:
    checkout.set_responses(failing(step, occurrence))
    result = deploy(checkout)
    assert (result.code, result.deployed) == (2, ["here", _PREVIOUS])
    assert "it broke" in result.output
    assert "Rolled back: v41 serves again" in result.output
    assert result.order[-1] == "smoke.sh"


@pytest.mark.parametrize(("step", "occurrence"), [("flyctl releases", 1), ("flyctl status", 3)])
def test_a_failed_report_rolls_nothing_back(checkout: Checkout, step: str, occurrence: int) -> None:
    checkout.set_responses(failing(step, occurrence))
    result = deploy(checkout)
    assert (result.code, result.deployed) == (0, ["here"])


def test_machines_that_stay_unhealthy_are_rolled_back(checkout: Checkout) -> None:
    responses = successful_responses()
    responses["flyctl status"] = [status("passing", "critical")]
    checkout.set_responses(responses)
    result = deploy(checkout, "--seconds", "2")
    assert (result.code, result.deployed) == (3, ["here", _PREVIOUS])
    assert "check-1 of machine m0 is critical" in result.output.partition("ROLLBACK FAILED")[0]


@pytest.mark.parametrize(
    ("output", "faults"),
    [
        (status("passing"), []),
        (
            status("passing", state="stopped"),
            ["machine m0 is stopped", "machine m1 is stopped"],
        ),
        (
            {**status(), "Machines": [*status("passing")["Machines"], _STOPPED]},
            [],
        ),
        (status(), ["machine m0 has no checks yet", "machine m1 has no checks yet"]),
        ({**status(), "Machines": []}, ["there is no machine"]),
    ],
)
def test_each_reason_for_unhealthy_machines_is_named(
    output: Any, faults: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.deployment.fly.run", lambda *_: json.dumps(output))
    assert FlyApp(APP, Deadline(1)).unhealthy() == faults


def test_a_release_waits_for_machines_to_become_healthy(checkout: Checkout) -> None:
    responses = successful_responses()
    responses["flyctl status"] = [status("warning"), status("warning"), status("passing")]
    checkout.set_responses(responses)
    assert deploy(checkout).code == 0


def test_a_failed_rollback_prints_the_command_to_repeat_it(checkout: Checkout) -> None:
    responses = successful_responses()
    responses["flyctl deploy"] = ["it broke"]
    checkout.set_responses(responses)
    result = deploy(checkout)
    assert result.code == 3
    assert "THE ROLLBACK FAILED" in result.output
    assert f"--image {_PREVIOUS}" in result.output


def test_a_failed_first_release_can_not_be_rolled_back(checkout: Checkout) -> None:
    responses = failing("smoke.sh")
    responses["flyctl releases"] = [[release(1, "failed")]]
    checkout.set_responses(responses)
    result = deploy(checkout)
    assert (result.code, result.deployed) == (3, ["here"])
    assert "no previous release" in result.output


def test_a_hanging_deployment_is_rolled_back_after_the_timeout(checkout: Checkout) -> None:
    responses = successful_responses()
    responses["flyctl deploy"] = [None, {}]
    checkout.set_responses(responses)
    result = deploy(checkout, "--seconds", "3")
    assert (result.code, result.deployed) == (2, ["here", _PREVIOUS])
    assert "took too long" in result.output


def test_uncommitted_files_are_not_released(checkout: Checkout) -> None:
    (checkout.folder / "new.py").write_text("")
    result = deploy(checkout)
    assert (result.code, result.calls) == (1, [])
    assert "?? new.py" in result.output


@pytest.mark.parametrize("stage", ["staging", "production"])
def test_a_commit_whose_tests_have_not_passed_is_not_released(
    checkout: Checkout, stage: str
) -> None:
    (checkout.folder / ".build" / "tested").write_text("0" * 40)
    result = checkout.run("deploy.sh", _APP_WITHOUT_STAGE, stage, "--yes")
    assert (result.code, result.calls) == (1, [])
    assert "make test-all" in result.output


def test_staging_may_skip_the_tests_and_production_may_not(checkout: Checkout) -> None:
    (checkout.folder / ".build" / "tested").unlink()
    assert deploy(checkout, "--tests", "skip").code == 0
    result = checkout.run("deploy.sh", _APP_WITHOUT_STAGE, "production", "--yes", "--tests", "skip")
    assert result.code == 1
    assert "--tests skip is not allowed" in result.output


@pytest.mark.parametrize(
    "pins",
    [
        None,
        "NODE_IMAGE=a@sha256:1\nBUILD_IMAGE=python:3.13\nRUN_IMAGE=c@sha256:3",
        "BUILD_IMAGE=b@sha256:2\nRUN_IMAGE=c@sha256:3",
    ],
)
def test_production_requires_pinned_base_images(checkout: Checkout, pins: str | None) -> None:
    if pins:
        pin(checkout, pins)
    result = checkout.run("deploy.sh", _APP_WITHOUT_STAGE, "production", "--yes")
    assert (result.code, result.calls) == (1, [])
    assert "infra/image/pin" in result.output


def test_a_missing_app_is_not_created(checkout: Checkout) -> None:
    checkout.set_responses(successful_responses() | {"flyctl apps list": [[{"Name": "another"}]]})
    result = deploy(checkout)
    assert (result.code, result.deployed) == (1, [])
    assert f"flyctl apps create {APP}" in result.output


def test_each_missing_secret_is_named(checkout: Checkout) -> None:
    checkout.set_responses(
        successful_responses() | {"flyctl secrets list": [[{"name": "REDIS_URL"}]]}
    )
    result = deploy(checkout)
    assert (result.code, result.deployed) == (1, [])
    assert "JWT_SECRET" in result.output
    assert "DATABASE_URL" in result.output
    assert "REDIS_URL," not in result.output


@pytest.mark.parametrize("variables", [{"JWT_SECRET": ""}])
def test_a_release_requires_a_token_for_the_smoke_test(
    checkout: Checkout, variables: dict[str, str]
) -> None:
    result = deploy(checkout, **variables)
    assert (result.code, result.calls) == (1, [])
    assert "SMOKE_TOKEN" in result.output
    assert deploy(checkout, **variables, SMOKE_TOKEN="t").code == 0


@pytest.mark.parametrize("odd", [[], {"Hostname": "h", "Machines": [None]}, {"Machines": 7}])
def test_an_unexpected_response_of_flyctl_is_rolled_back(checkout: Checkout, odd: Any) -> None:
    responses = successful_responses()
    (usual,) = responses["flyctl status"]
    responses["flyctl status"] = [usual, odd, usual]
    checkout.set_responses(responses)
    result = deploy(checkout)
    assert (result.code, result.deployed) == (2, ["here", _PREVIOUS])


def test_a_rollback_runs_no_migrations(checkout: Checkout) -> None:
    checkout.set_responses(failing("smoke.sh"))
    calls = [c for c in deploy(checkout).calls if c[:2] == ["flyctl", "deploy"]]
    assert ["--skip-release-command" in call for call in calls] == [False, True]


@pytest.mark.parametrize(("app", "stage"), [("x-production", "staging"), ("x-staging", "dev")])
def test_an_app_of_another_stage_is_refused(app: str, stage: str) -> None:
    result = commands.run_main(main, "deploy", app, stage, "--yes")
    assert result.returncode == 1
    assert f"{app} is not for {stage}" in result.stderr


@pytest.mark.parametrize("name", ["REDIS_URL", "DATABASE_URL"])
def test_a_release_requires_the_addresses_of_both_stores(checkout: Checkout, name: str) -> None:
    result = deploy(checkout, **{name: ""})
    assert (result.code, result.deployed) == (1, [])
    assert f"{name} is not in the environment" in result.output


def test_without_a_terminal_and_without_yes_nothing_is_deployed(checkout: Checkout) -> None:
    result = checkout.run("deploy.sh", APP, "staging")
    assert (result.code, result.deployed) == (1, [])
    assert "--yes" in result.output


def test_an_invalid_argument_ends_the_script_before_any_call(checkout: Checkout) -> None:
    result = checkout.run("deploy.sh", "--yes", "../etc", "staging")
    assert (result.code, result.calls) == (1, [])
    assert "usage: deploy.sh" in result.output


@pytest.mark.parametrize("app", ["--foo", "a;b", "A", "", "a" * 64, "a b"])
def test_an_invalid_app_name_is_refused(app: str) -> None:
    result = commands.run_main(main, "deploy", "--yes", app, "staging")
    assert result.returncode == 1
    assert "usage: deploy.sh" in result.stderr


def test_an_unknown_stage_is_refused() -> None:
    result = commands.run_main(main, "deploy", APP, "prod", "--yes")
    assert result.returncode == 1
    assert "production" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_deployment_is_rolled_back(
    checkout: Checkout, number: signal.Signals
) -> None:
    responses = successful_responses()
    responses["flyctl deploy"] = [None, {}]
    checkout.set_responses(responses)
    process = checkout.start("deploy.sh", APP, "staging", "--yes")
    checkout.wait_until_a_call_hangs()
    process.send_signal(number)
    result = checkout.wait(process)
    assert (result.code, result.deployed) == (2, ["here", _PREVIOUS])


def pin(checkout: Checkout, lines: str) -> None:
    """Commit pinned base images, and record the commit as tested."""
    (checkout.folder / "infra" / "image" / "bases.env").write_text(lines)
    checkout.git("add", "--all")
    author = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    checkout.git(*author, "commit", "--quiet", "--message", "Pinned")
    checkout.mark_tested()

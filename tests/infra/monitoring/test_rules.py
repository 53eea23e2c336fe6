"""promtool accepts the files, and each alert fires on bad series only and has a runbook."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import infra.monitoring
from tests.conftest import missing

_FOLDER = Path(infra.monitoring.__file__).parent
_SEVERITIES = {"info", "warning", "critical"}


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run promtool in the folder of the rules."""
    tool = shutil.which("promtool")
    if tool is None:
        missing("promtool")
    assert tool
    command = [tool, *arguments]
    return subprocess.run(command, cwd=_FOLDER, capture_output=True, text=True, check=False)


def alerts() -> list[dict[str, Any]]:
    """Return all alerts of alerts.yml."""
    groups = yaml.safe_load((_FOLDER / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize(
    "check",
    [("check", "rules", "alerts.yml", "recording.yml"), ("check", "config", "prometheus.yml")],
)
def test_promtool_accepts_the_files(check: tuple[str, ...]) -> None:
    done = promtool(*check)
    assert done.returncode == 0, done.stderr


def test_each_alert_fires_on_bad_series_only() -> None:
    done = promtool("test", "rules", "alerts.test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_tested_with_bad_and_with_good_series() -> None:
    tests = yaml.safe_load((_FOLDER / "alerts.test.yml").read_text())["tests"]
    expected = [one for test in tests for one in test["alert_rule_test"]]
    names = {alert["alert"] for alert in alerts()}
    assert {one["alertname"] for one in expected if one.get("exp_alerts")} == names
    good = next(test for test in tests if test["name"] == "all is well")
    assert {one["alertname"] for one in good["alert_rule_test"]} == names


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: str(alert["alert"]))
def test_an_alert_has_severity_description_and_runbook(alert: dict[str, Any]) -> None:
    assert re.fullmatch(r"\d+[smh]", alert["for"])
    assert alert["labels"]["severity"] in _SEVERITIES
    annotations = alert["annotations"]
    assert annotations["summary"]
    assert "$value" in annotations["description"]
    assert annotations["runbook"] == f"docs/operations.md#{alert['alert'].lower()}"


def test_each_alert_has_a_section_in_the_operations_document() -> None:
    operations = (_FOLDER.parents[1] / "docs" / "operations.md").read_text().splitlines()
    sections = {line.removeprefix("### ") for line in operations if line.startswith("### ")}
    assert {alert["alert"] for alert in alerts()} <= sections

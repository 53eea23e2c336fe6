"""Metrics of functions: valid lines of CloudWatch's embedded metric format (EMF)."""

import json
import time
from typing import Any
from uuid import uuid4

import pytest

from functions.sessions import switch
from functions.workers import expire
from shared.application.ports.session_store import Wakeup
from shared.aws.sqs import encode_alarm
from shared.observability.cloudwatch import METRICS, EmfMetrics
from tests.functions.inspection import Inspector
from tests.functions.lambda_process import LambdaProcess
from tests.support.shifted_clock import ShiftedClock

_UNITS = {"Count", "Microseconds", "Milliseconds", "Seconds", "None"}
_MAX_DIMENSIONS = 30
_MAX_METRICS = 100


@pytest.fixture(autouse=True)
def _with_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDWATCH_METRICS", "on")


def written_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the output lines since the last call; fail unless the metrics are valid EMF."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for line in lines:
        if "_aws" in line:
            check_metric_line(line)
    return lines


def check_metric_line(line: dict[str, Any]) -> None:
    """Check a line against the EMF specification."""
    head = line["_aws"]
    assert isinstance(head["Timestamp"], int)
    assert abs(head["Timestamp"] - time.time() * 1000) < 60_000
    assert head["CloudWatchMetrics"]
    for directive in head["CloudWatchMetrics"]:
        assert directive["Namespace"] == "SyncKairos"
        assert 0 < len(directive["Metrics"]) <= _MAX_METRICS
        for dimensions in directive["Dimensions"]:
            assert len(dimensions) <= _MAX_DIMENSIONS
            assert all(isinstance(line[name], str) and line[name] for name in dimensions)
        for metric in directive["Metrics"]:
            assert metric["Unit"] in _UNITS
            assert isinstance(line[metric["Name"]], int | float)


def names_and_dimensions(line: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return the names of a line's metrics, and its sets of dimensions."""
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    return [metric["Name"] for metric in directive["Metrics"]], directive["Dimensions"]


def test_a_request_is_logged_but_is_no_metric(
    process: LambdaProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    """AWS itself measures requests of each function and of the API, free of charge."""
    process.request(switch.handler, "POST", f"/v1/sessions/{uuid4()}/switch")
    (line,) = written_lines(capsys)
    assert "_aws" not in line
    assert (line["Stage"], line["Function"]) == ("test", "under-test")
    assert 0 < line["RequestDuration"] < 60_000
    assert line["status"] == 404
    assert (line["method"], line["route"]) == ("POST", "/v1/sessions/{session_id}/switch")


def test_the_lateness_of_an_applied_alarm_is_measured(
    process: LambdaProcess,
    inspector: Inspector,
    store_clock: ShiftedClock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    session_id = process.create_started_session()
    alarm = encode_alarm(Wakeup(session_id, inspector.next_wakeup_at(session_id)))
    store_clock.ahead_s = 61
    capsys.readouterr()
    process.deliver(expire.handler, alarm)
    (line,) = written_lines(capsys)
    assert names_and_dimensions(line) == (["ExpiryLateness"], [["Stage"]])
    assert 900 < line["ExpiryLateness"] < 60_000


_METRICS = [
    (lambda m: m.observe_audit_lag(12.3456), "AuditLag", 12.346, "Milliseconds"),
    (lambda m: m.observe_wakeup_lateness(0), "ExpiryLateness", 0, "Milliseconds"),
    (lambda m: m.count_store_error("timeout"), "StoreErrors", 1, "Count"),
    (lambda m: m.count_pushes("lost", 1), "PushesLost", 1, "Count"),
]
_LOGGED = [
    (lambda m: m.count_restored_sessions(7), "SessionsRestored", 7),
    (lambda m: m.observe_push(2, 30.1234), "PushDuration", 30.123),
    (lambda m: m.count_pushes("failed", 2), "PushesFailed", 2),
    (lambda m: m.count_pushes("coalesced", 3), "PushesCoalesced", 3),
    (lambda m: m.count_pushes("retried", 1), "PushesRetried", 1),
    (lambda m: m.count_webhook_attempt("dead"), "WebhooksDead", 1),
    (lambda m: m.observe_request("GET", "/", 200, 1.5), "RequestDuration", 1.5),
]


@pytest.mark.parametrize(("observe", "name", "value", "unit"), _METRICS)
def test_a_metric_is_a_valid_line(
    capsys: pytest.CaptureFixture[str], observe: Any, name: str, value: float, unit: str
) -> None:
    observe(EmfMetrics())
    (line,) = written_lines(capsys)
    assert line[name] == value
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Metrics"] == [{"Name": name, "Unit": unit}]


@pytest.mark.parametrize(("observe", "name", "value"), _LOGGED)
def test_other_observations_are_only_logged(
    capsys: pytest.CaptureFixture[str], observe: Any, name: str, value: float
) -> None:
    observe(EmfMetrics())
    (line,) = written_lines(capsys)
    assert line[name] == value
    assert "_aws" not in line


def test_without_the_setting_no_observation_is_a_metric(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLOUDWATCH_METRICS")
    EmfMetrics().observe_audit_lag(1)
    (line,) = written_lines(capsys)
    assert line["AuditLag"] == 1
    assert "_aws" not in line


def test_the_metrics_are_exactly_the_tested_ones() -> None:
    assert {name for _, name, _, _ in _METRICS} == METRICS

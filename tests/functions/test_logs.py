"""Logs of functions: one JSON object per line, with the fields that connect related lines."""

import json
from typing import Any
from uuid import uuid4

import pytest

from functions.sessions import switch
from functions.workers import expire
from tests.functions.lambda_process import LambdaProcess


def log_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the service's log lines since the last call; fail unless all lines are JSON."""
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    return [line for line in lines if line["logger"].startswith("synckairos")]


def switch_session(process: LambdaProcess, session_id: str) -> str:
    """Switch the session; return the request's id."""
    answer = process.request(switch.handler, "POST", f"/v1/sessions/{session_id}/switch")
    return answer.headers["x-request-id"]


def test_a_line_names_function_invocation_request_and_session(
    process: LambdaProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    session_id = str(uuid4())
    request_ids = [switch_session(process, session_id) for _ in range(2)]
    first, second = log_lines(capsys)
    assert first["message"] == "POST /v1/sessions/{session_id}/switch 404"
    assert {line["function"] for line in (first, second)} == {"under-test"}
    assert {line["session_id"] for line in (first, second)} == {session_id}
    assert [line["request_id"] for line in (first, second)] == request_ids
    assert len({first["invocation_id"], second["invocation_id"]}) == 2
    assert all(line["time"] and line["level"] == "INFO" for line in (first, second))


def test_only_the_first_invocation_of_an_instance_is_a_cold_start(
    process: LambdaProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        switch_session(process, str(uuid4()))
    assert [line["start"] for line in log_lines(capsys)] == ["cold", "warm", "warm"]


def test_a_failed_message_is_logged_with_its_id_and_the_reason(
    process: LambdaProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    assert process.deliver(expire.handler, "no alarm") == [0]
    (line,) = log_lines(capsys)
    assert (line["level"], line["message_id"], line["start"]) == ("ERROR", "0", "cold")
    assert "JSON is malformed" in line["exception"]
    assert line["invocation_id"]


def test_nothing_below_the_configured_level_is_logged(
    process: LambdaProcess, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    switch_session(process, str(uuid4()))
    process.deliver(expire.handler, "no alarm")
    assert [line["level"] for line in log_lines(capsys)] == ["ERROR"]

"""What a function logs: one JSON object a line, with all that it takes to find the others."""

import json
from typing import Any
from uuid import uuid4

import pytest

from functions.sessions import switch
from functions.workers import expire
from tests.functions.lambda_process import Process


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines since the last look; each is JSON, or this fails."""
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    return [line for line in lines if line["logger"].startswith("synckairos")]


def switched(process: Process, session_id: str) -> str:
    """Switch the game; returns the request's id."""
    answer = process.request(switch.handler, "POST", f"/v1/sessions/{session_id}/switch")
    return answer.headers["x-request-id"]


def test_a_line_names_function_invocation_request_and_session(
    process: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    session_id = str(uuid4())
    request_ids = [switched(process, session_id) for _ in range(2)]
    first, second = logged(capsys)
    assert first["message"] == "POST /v1/sessions/{session_id}/switch 404"
    assert {line["function"] for line in (first, second)} == {"under-test"}
    assert {line["session_id"] for line in (first, second)} == {session_id}
    assert [line["request_id"] for line in (first, second)] == request_ids
    assert len({first["invocation_id"], second["invocation_id"]}) == 2
    assert all(line["time"] and line["level"] == "INFO" for line in (first, second))


def test_the_first_invocation_of_an_instance_is_cold_and_every_other_warm(
    process: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        switched(process, str(uuid4()))
    assert [line["start"] for line in logged(capsys)] == ["cold", "warm", "warm"]


def test_a_message_that_failed_is_logged_with_its_id_and_the_reason(
    process: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    assert process.deliver(expire.handler, "no alarm") == [0]
    (line,) = logged(capsys)
    assert (line["level"], line["message_id"], line["start"]) == ("ERROR", "0", "cold")
    assert "JSON is malformed" in line["exception"]
    assert line["invocation_id"]


def test_nothing_below_the_level_that_is_set_is_logged(
    process: Process, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    switched(process, str(uuid4()))
    process.deliver(expire.handler, "no alarm")
    assert [line["level"] for line in logged(capsys)] == ["ERROR"]

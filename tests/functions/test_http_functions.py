"""An endpoint as a function, asked through each kind of gateway."""

import base64
import gzip
import json
from typing import Any
from uuid import uuid4

import pytest

from functions.service import fallback, health
from functions.sessions import create, participants, read, switch
from infra.local.functions.events import (
    HttpRequest,
    function_url_event,
    http_api_event,
    rest_api_event,
)
from infra.local.upstash import LocalUpstash
from tests.functions.inspection import Story
from tests.functions.lambda_process import Event, Process, answer_of
from tests.support.api import chess, participant

EVENTS = [http_api_event, rest_api_event, function_url_event]
gateways = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)


@gateways
def test_a_switch_is_answered_whatever_gateway_asks(
    process: Process, story: Story, event: Event
) -> None:
    session_id = process.game()
    path = f"/v1/sessions/{session_id}/switch"
    answer = process.request(switch.handler, "POST", path, event=event, If_Match='"2"')
    assert (answer.status, answer.is_base64) == (200, False)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["etag"] == '"3"'
    assert story.session(session_id).version == 3


@gateways
def test_a_body_and_its_headers_arrive_whatever_gateway_sends_them(
    process: Process, story: Story, event: Event
) -> None:
    body = chess(metadata={"name": "Zürich ♞"})
    key = str(uuid4())
    first, again = (
        process.request(
            create.handler, "POST", "/v1/sessions", body, event=event, Idempotency_Key=key
        )
        for _ in range(2)
    )
    assert (first.status, again.status) == (201, 201)
    assert again.headers["idempotent-replayed"] == "true"
    assert first.json == again.json
    metadata = story.session(first.json["data"]["session_id"]).metadata
    assert metadata == {"name": "Zürich ♞"}


@gateways
def test_an_error_has_the_envelope_whatever_gateway_asks(process: Process, event: Event) -> None:
    path = f"/v1/sessions/{uuid4()}/switch"
    answer = process.request(switch.handler, "POST", path, event=event, X_Request_Id="mine")
    assert answer.status == 404
    assert answer.json["error"]["code"] == "SESSION_NOT_FOUND"
    assert answer.json["error"]["request_id"] == answer.headers["x-request-id"] == "mine"


@gateways
def test_a_function_takes_every_route_of_its_endpoint_and_no_other(
    process: Process, event: Event
) -> None:
    session_id = process.game()
    path = f"/v1/sessions/{session_id}/participants"
    joined = participant()
    handler = participants.handler
    added = process.request(handler, "POST", path, joined, event=event)
    assert added.status == 201, added.body
    one = f"{path}/{joined['participant_id']}"
    adjusted = process.request(handler, "PATCH", one, {"total_time_ms": 5_000}, event=event)
    assert adjusted.status == 200, adjusted.body
    other = process.request(handler, "GET", f"/v1/sessions/{session_id}", event=event)
    assert (other.status, other.json["error"]["code"]) == (404, "NOT_FOUND")


def test_a_body_in_base64_is_read(process: Process) -> None:
    event = http_api_event(
        HttpRequest("POST", "/v1/sessions", headers=(("Content-Type", "application/json"),))
    )
    body = json.dumps(chess()).encode()
    event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    assert answer_of(process.invoke(create.handler, event)).status == 201


def test_an_answer_that_is_compressed_comes_in_base64(process: Process) -> None:
    session_id = process.game(metadata={"text": "long " * 500})
    path = f"/v1/sessions/{session_id}"
    answer = process.request(read.handler, "GET", path, Accept_Encoding="gzip")
    assert (answer.is_base64, answer.headers["content-encoding"]) == (True, "gzip")
    session: dict[str, Any] = json.loads(gzip.decompress(answer.body))["data"]
    assert session["session_id"] == session_id


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing/here", 404, "NOT_FOUND"),
        ("GET", "/v1/sessions", 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", "/v1/time", 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_an_address_of_no_function_gets_its_error_from_the_docs(
    process: Process, method: str, path: str, status: int, code: str
) -> None:
    answer = process.request(fallback.handler, method, path)
    assert (answer.status, answer.json["error"]["code"]) == (status, code)


def test_the_docs_know_every_method_of_an_address(process: Process) -> None:
    answer = process.request(fallback.handler, "PUT", f"/v1/sessions/{uuid4()}")
    assert (answer.status, answer.headers["allow"]) == (405, "DELETE, GET, HEAD, OPTIONS")


def test_the_docs_describe_every_endpoint(process: Process) -> None:
    answer = process.request(fallback.handler, "GET", "/api-docs.json")
    assert {"/v1/sessions/{session_id}/switch", "/v1/time"} < answer.json["paths"].keys()


def test_the_docs_answer_the_preflight_of_every_address(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://game.example")
    answer = process.request(
        fallback.handler,
        "OPTIONS",
        f"/v1/sessions/{uuid4()}/switch",
        Origin="https://game.example",
        Access_Control_Request_Method="POST",
    )
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "https://game.example"


def test_a_function_tells_pages_of_other_origins_that_they_may_read_its_answer(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://game.example")
    answer = process.request(health.handler, "GET", "/health", Origin="https://game.example")
    assert answer.headers["access-control-allow-origin"] == "https://game.example"


def _without(event: dict[str, Any], *path: str) -> dict[str, Any]:
    """`event` without one of its fields."""
    copy: dict[str, Any] = json.loads(json.dumps(event))
    inner = copy
    for name in path[:-1]:
        inner = inner.get(name, {})
    inner.pop(path[-1], None)
    return copy


MALFORMED: dict[str, Any] = {
    "no object": lambda event: [event],
    "nothing": lambda event: {},
    "no context": lambda event: _without(event, "requestContext"),
    "headers that are no text": lambda event: (
        event | {"headers": {"host": 5}, "multiValueHeaders": {"host": [5]}}
    ),
    "headers that are a list": lambda event: event | {"headers": ["host"]},
    "a body that is no base64": lambda event: event | {"body": "@@@", "isBase64Encoded": True},
    "base64 cut short": lambda event: event | {"body": "e30", "isBase64Encoded": True},
    "a body that is no text": lambda event: event | {"body": {"a": 1}},
    "a body of half a character": lambda event: event | {"body": "\ud800"},
    "a host with two ports": lambda event: (
        event | {"headers": {"host": "a:1:2"}, "multiValueHeaders": None}
    ),
}


@gateways
@pytest.mark.parametrize("fault", MALFORMED)
def test_a_malformed_event_is_a_400(process: Process, event: Event, fault: str) -> None:
    session_id = process.game()
    call = HttpRequest(
        "POST", f"/v1/sessions/{session_id}/switch", headers=(("Host", "a.example"),)
    )
    answer = answer_of(process.invoke(switch.handler, MALFORMED[fault](event(call))))
    assert (answer.status, answer.json["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert answer.headers["x-request-id"] == answer.json["error"]["request_id"]
    read_again = process.request(read.handler, "GET", f"/v1/sessions/{session_id}")
    assert read_again.json["data"]["version"] == 2


@gateways
def test_no_field_of_an_event_is_missed_with_a_server_error(process: Process, event: Event) -> None:
    call = HttpRequest("GET", "/health", "a=1", headers=(("Host", "a.example"),))
    whole = event(call)
    fields = [(name,) for name in whole] + [
        ("requestContext", name) for name in whole["requestContext"]
    ]
    for field in fields:
        answer = answer_of(process.invoke(health.handler, _without(whole, *field)))
        assert answer.status in (200, 400, 404), field


@gateways
@pytest.mark.parametrize("length", ["abc", "-1", "1.5", "1e3", "", "٣", "9" * 5_000])
def test_a_content_length_that_is_no_number_is_a_4xx(
    process: Process, event: Event, length: str
) -> None:
    answer = process.request(
        create.handler, "POST", "/v1/sessions", chess(), event=event, Content_Length=length
    )
    assert answer.status == (413 if length.startswith("9") else 400)
    assert answer.json["error"]["code"] in ("VALIDATION_ERROR", "PAYLOAD_TOO_LARGE")


@gateways
def test_head_is_answered_by_the_function_that_answers_get(process: Process, event: Event) -> None:
    path = f"/v1/sessions/{process.game()}"
    get = process.request(read.handler, "GET", path, event=event)
    head = process.request(read.handler, "HEAD", path, event=event)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["etag"] == get.headers["etag"]
    assert head.headers["content-length"] == get.headers["content-length"]


def test_a_store_that_is_away_is_a_503(process: Process, upstash: LocalUpstash) -> None:
    session_id = process.game()
    upstash.stop()
    answer = process.request(read.handler, "GET", f"/v1/sessions/{session_id}")
    assert (answer.status, answer.json["error"]["code"]) == (503, "STORE_UNAVAILABLE")
    upstash.start()
    again = process.request(read.handler, "GET", f"/v1/sessions/{session_id}")
    assert again.status == 200

"""HTTP functions behind the HTTP API: routes, bodies, headers, and malformed events."""

import base64
import gzip
import json
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from functions.service import console, fallback, health
from functions.sessions import create, participants, read, switch
from infra.local.functions.events import HttpRequest, http_api_event
from infra.local.upstash import LocalUpstash
from tests.functions.inspection import Inspector
from tests.functions.lambda_process import LambdaProcess, parse_response
from tests.support.api import chess, participant


def test_a_switch_works_through_the_gateway(process: LambdaProcess, inspector: Inspector) -> None:
    session_id = process.create_started_session()
    path = f"/v1/sessions/{session_id}/switch"
    answer = process.request(switch.handler, "POST", path, If_Match='"2"')
    assert (answer.status, answer.is_base64) == (200, False)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["etag"] == '"3"'
    assert inspector.session(session_id).version == 3


def test_the_gateway_passes_on_bodies_and_headers(
    process: LambdaProcess, inspector: Inspector
) -> None:
    body = chess(metadata={"name": "Zürich ♞"})
    key = str(uuid4())
    first, again = (
        process.request(create.handler, "POST", "/v1/sessions", body, Idempotency_Key=key)
        for _ in range(2)
    )
    assert (first.status, again.status) == (201, 201)
    assert again.headers["idempotent-replayed"] == "true"
    assert first.json == again.json
    metadata = inspector.session(first.json["data"]["session_id"]).metadata
    assert metadata == {"name": "Zürich ♞"}


def test_an_error_has_the_envelope(process: LambdaProcess) -> None:
    path = f"/v1/sessions/{uuid4()}/switch"
    answer = process.request(switch.handler, "POST", path, X_Request_Id="mine")
    assert answer.status == 404
    assert answer.json["error"]["code"] == "SESSION_NOT_FOUND"
    assert answer.json["error"]["request_id"] == answer.headers["x-request-id"] == "mine"


def test_a_function_serves_every_route_of_its_endpoint_and_no_other(process: LambdaProcess) -> None:
    session_id = process.create_started_session()
    path = f"/v1/sessions/{session_id}/participants"
    new_participant = participant()
    handler = participants.handler
    added = process.request(handler, "POST", path, new_participant)
    assert added.status == 201, added.body
    participant_path = f"{path}/{new_participant['participant_id']}"
    adjusted = process.request(handler, "PATCH", participant_path, {"total_time_ms": 5_000})
    assert adjusted.status == 200, adjusted.body
    other = process.request(handler, "GET", f"/v1/sessions/{session_id}")
    assert (other.status, other.json["error"]["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("chosen", ["a/b?c#d", "50%25", "%2F", "Ünïcode/✓"])
def test_an_id_in_the_path_is_decoded_once(process: LambdaProcess, chosen: str) -> None:
    body = chess(participants=[participant(participant_id=chosen)])
    created = process.request(create.handler, "POST", "/v1/sessions", body)
    session_id = created.json["data"]["session_id"]
    path = f"/v1/sessions/{session_id}/participants/{quote(chosen, safe='')}"
    content_type = (("Content-Type", "application/json"),)
    call = HttpRequest("PATCH", path, headers=content_type, body=b'{"total_time_ms": 5000}')
    route = "PATCH /v1/sessions/{session_id}/participants/{participant_id+}"
    event = http_api_event(call, route, {"session_id": session_id, "participant_id": chosen})
    answer = parse_response(process.invoke(participants.handler, event))
    assert answer.status == 200, answer.body
    assert answer.json["data"]["participants"][0]["total_time_ms"] == 5_000


def test_a_base64_body_is_decoded(process: LambdaProcess) -> None:
    event = http_api_event(
        HttpRequest("POST", "/v1/sessions", headers=(("Content-Type", "application/json"),))
    )
    body = json.dumps(chess()).encode()
    event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    assert parse_response(process.invoke(create.handler, event)).status == 201


def test_a_compressed_response_is_base64_encoded(process: LambdaProcess) -> None:
    session_id = process.create_started_session(metadata={"text": "long " * 500})
    path = f"/v1/sessions/{session_id}"
    answer = process.request(read.handler, "GET", path, Accept_Encoding="gzip")
    assert (answer.is_base64, answer.headers["content-encoding"]) == (True, "gzip")
    session: dict[str, Any] = json.loads(gzip.decompress(answer.body))["data"]
    assert session["session_id"] == session_id


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing/here", 404, "NOT_FOUND"),
        ("PUT", "/v1/sessions", 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", "/v1/time", 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_the_docs_function_returns_the_error_of_an_unknown_route(
    process: LambdaProcess, method: str, path: str, status: int, code: str
) -> None:
    answer = process.request(fallback.handler, method, path)
    assert (answer.status, answer.json["error"]["code"]) == (status, code)


def test_the_docs_function_names_the_allowed_methods_of_a_path(process: LambdaProcess) -> None:
    answer = process.request(fallback.handler, "PUT", f"/v1/sessions/{uuid4()}")
    assert (answer.status, answer.headers["allow"]) == (405, "DELETE, GET, HEAD, OPTIONS, PATCH")


def test_the_docs_describe_every_endpoint(process: LambdaProcess) -> None:
    answer = process.request(fallback.handler, "GET", "/api-docs.json")
    assert {"/v1/sessions/{session_id}/switch", "/v1/time"} < answer.json["paths"].keys()


def test_the_docs_function_answers_preflights_of_other_functions_paths(
    process: LambdaProcess, monkeypatch: pytest.MonkeyPatch
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


def test_the_clocks_may_be_framed_by_listed_origins_only(
    process: LambdaProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBED_ORIGINS", "https://club.example,https://b.example")
    embed = process.request(console.handler, "GET", "/embed").headers
    listed = "frame-ancestors https://club.example https://b.example"
    assert embed["content-security-policy"].endswith(listed)
    assert "x-frame-options" not in embed
    for path in ("/", "/board"):
        other = process.request(console.handler, "GET", path).headers
        assert other["content-security-policy"].endswith("frame-ancestors 'none'")
        assert other["x-frame-options"] == "DENY"


def test_a_function_sends_cors_headers_to_allowed_origins(
    process: LambdaProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://game.example")
    answer = process.request(health.handler, "GET", "/health", Origin="https://game.example")
    assert answer.headers["access-control-allow-origin"] == "https://game.example"


def _without(event: dict[str, Any], *path: str) -> dict[str, Any]:
    """Return a copy of `event` without the field at `path`."""
    copy: dict[str, Any] = json.loads(json.dumps(event))
    inner = copy
    for name in path[:-1]:
        inner = inner.get(name, {})
    inner.pop(path[-1], None)
    return copy


MALFORMED: dict[str, Any] = {
    "not an object": lambda event: [event],
    "empty object": lambda event: {},
    "no context": lambda event: _without(event, "requestContext"),
    "headers that are not strings": lambda event: event | {"headers": {"host": 5}},
    "headers that are a list": lambda event: event | {"headers": ["host"]},
    "a body that is not base64": lambda event: event | {"body": "@@@", "isBase64Encoded": True},
    "truncated base64": lambda event: event | {"body": "e30", "isBase64Encoded": True},
    "a body that is not a string": lambda event: event | {"body": {"a": 1}},
    "a body with a lone surrogate": lambda event: event | {"body": "\ud800"},
    "a host with two ports": lambda event: event | {"headers": {"host": "a:1:2"}},
}


@pytest.mark.parametrize("fault", MALFORMED)
def test_a_malformed_event_is_a_400(process: LambdaProcess, fault: str) -> None:
    session_id = process.create_started_session()
    call = HttpRequest(
        "POST", f"/v1/sessions/{session_id}/switch", headers=(("Host", "a.example"),)
    )
    answer = parse_response(process.invoke(switch.handler, MALFORMED[fault](http_api_event(call))))
    assert (answer.status, answer.json["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert answer.headers["x-request-id"] == answer.json["error"]["request_id"]
    current = process.request(read.handler, "GET", f"/v1/sessions/{session_id}")
    assert current.json["data"]["version"] == 2


def test_no_missing_field_of_an_event_causes_a_server_error(process: LambdaProcess) -> None:
    call = HttpRequest("GET", "/health", "a=1", headers=(("Host", "a.example"),))
    whole = http_api_event(call)
    fields = [(name,) for name in whole] + [
        ("requestContext", name) for name in whole["requestContext"]
    ]
    for field in fields:
        answer = parse_response(process.invoke(health.handler, _without(whole, *field)))
        assert answer.status in (200, 400, 404), field


@pytest.mark.parametrize("length", ["abc", "-1", "1.5", "1e3", "", "٣", "9" * 5_000])
def test_an_invalid_content_length_is_a_4xx(process: LambdaProcess, length: str) -> None:
    answer = process.request(create.handler, "POST", "/v1/sessions", chess(), Content_Length=length)
    assert answer.status == (413 if length.startswith("9") else 400)
    assert answer.json["error"]["code"] in ("VALIDATION_ERROR", "PAYLOAD_TOO_LARGE")


def test_the_function_of_get_also_answers_head(process: LambdaProcess) -> None:
    # No clock runs in a pending session, so both answers have the same length.
    created = process.request(create.handler, "POST", "/v1/sessions", chess())
    path = f"/v1/sessions/{created.json['data']['session_id']}"
    get = process.request(read.handler, "GET", path)
    head = process.request(read.handler, "HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["etag"] == get.headers["etag"]
    assert head.headers["content-length"] == get.headers["content-length"]


def test_an_unavailable_store_is_a_503(process: LambdaProcess, upstash: LocalUpstash) -> None:
    session_id = process.create_started_session()
    upstash.stop()
    answer = process.request(read.handler, "GET", f"/v1/sessions/{session_id}")
    assert (answer.status, answer.json["error"]["code"]) == (503, "STORE_UNAVAILABLE")
    upstash.start()
    again = process.request(read.handler, "GET", f"/v1/sessions/{session_id}")
    assert again.status == 200

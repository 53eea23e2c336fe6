"""Every example request of the OpenAPI document works as it stands, against a real service."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.http.openapi.example import JOIN_CODE, SESSION_ID
from shared.http.openapi.examples import operation_name
from tests.support import tokens
from tests.support.api import ApiClient, api_client, check_documented
from tests.support.documented import document

_ENDLESS = {"stream"}
"""Tested in tests/integration/test_live.py."""
_WEBHOOK = {"url": "https://example.com/webhooks", "events": ["*"]}
_CREATED = {
    "webhook_id": ("/v1/webhooks", _WEBHOOK),
    "key_id": ("/v1/api-keys", {"name": "Match server", "role": "service"}),
    "token_id": (f"/v1/sessions/{SESSION_ID}/tokens", {"role": "spectator"}),
}
"""The request that creates what a path names."""
_BEFORE = {"read_join_code": ("open_join_code",)}
"""What must come before an operation without a body."""


@dataclass(frozen=True)
class _Operation:
    name: str
    method: str
    path: str
    query: Mapping[str, Any]
    examples: Mapping[str, Any]
    """The examples of the body; without a body none."""


def _operations() -> dict[str, _Operation]:
    found = {}
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            parameters = operation.get("parameters", ())
            examples = {each["name"]: each["example"] for each in parameters if "example" in each}
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            in_path = {name: examples[name] for name in examples if f"{{{name}}}" in path}
            name = operation_name(operation)
            found[name] = _Operation(
                name,
                method,
                # The ids of what each test creates are put in later.
                path.replace("{session_id}", SESSION_ID).format(
                    **{name: f"{{{name}}}" for name in _CREATED}, **in_path
                ),
                {key: examples[key] for key in examples.keys() - in_path.keys() if examples[key]},
                body.get("examples", {}),
            )
    return found


OPERATIONS = _operations()
_CASES = [
    (operation.name, example)
    for operation in OPERATIONS.values()
    if operation.name not in _ENDLESS
    for example in operation.examples or (None,)
]


@pytest.fixture
async def backend(guarded_url: str) -> AsyncIterator[ApiClient]:
    """Client of a backend of a tenant that no other test uses."""
    token = tokens.service(tenant=uuid4().hex)
    async with api_client(guarded_url, token) as api:
        yield api


@pytest.mark.parametrize(("operation", "example"), _CASES)
async def test_an_example_works_as_it_stands(
    backend: ApiClient, operation: str, example: str | None
) -> None:
    examples = OPERATIONS[operation].examples
    before = examples[example].get("x-before", ()) if example else _BEFORE.get(operation, ())
    made = await _prepare(backend, operation, before)
    data = await _execute(backend, operation, example, made)
    # These answers say of several commands what became of them.
    if operation == "simulate":
        assert [event for event in data["events"] if event["type"] == "refused"] == []
    if operation == "command_many":
        assert [entry for entry in data["sessions"] if "error" in entry] == []


async def _prepare(
    backend: ApiClient, operation: str, before: tuple[str, ...]
) -> Mapping[str, str]:
    """Make the requests that come before the operation.

    Return what the examples' session and join code stand for.
    """
    made = {SESSION_ID: SESSION_ID, JOIN_CODE: JOIN_CODE}
    if not before and "/v1/sessions/" not in OPERATIONS[operation].path:
        return made
    if not before or not before[0].startswith("create"):
        before = ("create", *before)
    for step in before:
        name, _, example = step.partition(":")
        chosen = example or next(iter(OPERATIONS[name].examples), None)
        data = await _execute(backend, name, chosen, made)
        made[SESSION_ID] = data.get("session_id", made[SESSION_ID])
        made[JOIN_CODE] = data.get("code", made[JOIN_CODE])
    return made


async def _execute(
    backend: ApiClient, name: str, example: str | None, made: Mapping[str, str]
) -> dict[str, Any]:
    """Make the request, for the session that was made, and return the data of its answer."""
    operation = OPERATIONS[name]
    url = operation.path
    for variable, (path, created) in _CREATED.items():
        if f"{{{variable}}}" in url:
            answer = await backend.http.post(_put_in(path, made), json=created)
            url = url.format(**{variable: answer.json()["data"][variable]})
    body = None
    if example is not None:
        body = json.loads(_put_in(json.dumps(operation.examples[example]["value"]), made))
        for pointer, offset_ms in operation.examples[example].get("x-instants", {}).items():
            _set(body, pointer, offset_ms)
    answer = await backend.http.request(
        operation.method, _put_in(url, made), json=body, params=dict(operation.query)
    )
    check_documented(answer, None)
    assert answer.status_code in (200, 201, 204), answer.text
    is_json = answer.headers.get("content-type") == "application/json"
    return dict(answer.json().get("data", {})) if is_json else {}


def _put_in(text: str, made: Mapping[str, str]) -> str:
    for shown, value in made.items():
        text = text.replace(shown, value)
    return text


def _set(body: Any, pointer: str, offset_ms: int) -> None:
    """Set the instant at the pointer to `offset_ms` from now."""
    *parents, last = (int(key) if key.isdecimal() else key for key in pointer[1:].split("/"))
    for key in parents:
        body = body[key]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", body[last])
    body[last] = (datetime.now(UTC) + timedelta(milliseconds=offset_ms)).isoformat()

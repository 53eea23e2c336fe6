"""Every example request of the OpenAPI document works as it stands, against a real service."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.http.openapi.example import SESSION_ID
from shared.http.openapi.examples import operation_name
from tests.support import tokens
from tests.support.api import ApiClient, api_client, check_documented
from tests.support.documented import document

_ENDLESS = {"stream"}
"""Tested in tests/integration/test_live.py."""
_WEBHOOK = {"url": "https://example.com/webhooks", "events": ["*"]}


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
                # The id of a session and of a webhook are put in for each test.
                path.replace("{session_id}", SESSION_ID).format(
                    webhook_id="{webhook_id}", **in_path
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
    before = examples[example].get("x-before", ()) if example else ()
    session_id = await _prepare(backend, operation, before)
    data = await _execute(backend, operation, example, session_id)
    # These answers say of several commands what became of them.
    if operation == "simulate":
        assert [event for event in data["events"] if event["type"] == "refused"] == []
    if operation == "command_many":
        assert [entry for entry in data["sessions"] if "error" in entry] == []


async def _prepare(backend: ApiClient, operation: str, before: tuple[str, ...]) -> str:
    """Make the requests that come before the operation, and return the id of their session."""
    if "/v1/sessions" not in OPERATIONS[operation].path or operation == "create":
        return SESSION_ID
    if not before or not before[0].startswith("create"):
        before = ("create", *before)
    session_id = SESSION_ID
    for step in before:
        name, _, example = step.partition(":")
        chosen = example or next(iter(OPERATIONS[name].examples), None)
        data = await _execute(backend, name, chosen, session_id)
        session_id = data["session_id"]
    return session_id


async def _execute(
    backend: ApiClient, name: str, example: str | None, session_id: str
) -> dict[str, Any]:
    """Make the request, with this session's id put in, and return the data of its answer."""
    operation = OPERATIONS[name]
    url = operation.path.replace(SESSION_ID, session_id)
    if "{webhook_id}" in url:
        created = await backend.http.post("/v1/webhooks", json=_WEBHOOK)
        url = url.format(webhook_id=created.json()["data"]["webhook_id"])
    body = None
    if example is not None:
        body = json.loads(
            json.dumps(operation.examples[example]["value"]).replace(SESSION_ID, session_id)
        )
        for pointer, offset_ms in operation.examples[example].get("x-instants", {}).items():
            _set(body, pointer, offset_ms)
    answer = await backend.http.request(
        operation.method, url, json=body, params=dict(operation.query)
    )
    check_documented(answer, None)
    assert answer.status_code in (200, 201, 204), answer.text
    is_json = answer.headers.get("content-type") == "application/json"
    return dict(answer.json().get("data", {})) if is_json else {}


def _set(body: Any, pointer: str, offset_ms: int) -> None:
    """Set the instant at the pointer to `offset_ms` from now."""
    *parents, last = (int(key) if key.isdecimal() else key for key in pointer[1:].split("/"))
    for key in parents:
        body = body[key]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", body[last])
    body[last] = (datetime.now(UTC) + timedelta(milliseconds=offset_ms)).isoformat()

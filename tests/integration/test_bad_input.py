"""Invalid requests get a 4xx error with the documented body and change nothing."""

import asyncio
import random
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from tests.fuzz.extent import IS_FULL
from tests.support.api import ApiClient, check_documented, chess, details_of, error_of, participant
from tests.support.target import IS_FUNCTIONS

JSON = {"Content-Type": "application/json"}
_BODIES = 10_000 if IS_FULL else 400 if IS_FUNCTIONS else 2_000
"""Fewer for functions, whose invocations take far longer; `make fuzz` sends them all."""

_ATTEMPTS = 5
_CONCURRENCY = 16

pytestmark = pytest.mark.http


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"nonsense",
        b"\xff\xfe",
        b'{"sync_mode": NaN}',
        b'"\\ud800"',
        b'{"a":1}x',
    ],
)
async def test_malformed_json_is_a_validation_error(api: ApiClient, content: bytes) -> None:
    answer = check_documented(
        await api.http.post("/v1/sessions", content=content, headers=JSON), None
    )
    assert details_of(answer) == {"body": "must be valid JSON"}


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"5", b'"x"', b"{}"])
async def test_a_body_of_the_wrong_shape_is_refused(api: ApiClient, content: bytes) -> None:
    answer = check_documented(
        await api.http.post("/v1/sessions", content=content, headers=JSON), None
    )
    assert error_of(answer) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_a_mebibyte_is_too_large(api: ApiClient, chunked: bool) -> None:
    def pieces() -> Iterator[bytes]:
        yield from [b" " * 65_536] * 32

    content: Any = _as_stream(pieces()) if chunked else b" " * 2 * 1024 * 1024
    answer = await api.http.post("/v1/sessions", content=content, headers=JSON)
    assert error_of(check_documented(answer, None)) == (413, "PAYLOAD_TOO_LARGE")


async def _as_stream(pieces: Iterator[bytes]) -> Any:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "json", "application/xml"]
)
async def test_a_body_that_is_not_json_is_unsupported(api: ApiClient, kind: str) -> None:
    headers = {"Content-Type": kind}
    answer = await api.http.post("/v1/sessions", content=b"{}", headers=headers)
    assert error_of(check_documented(answer, None)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "application/merge-patch+json"]
)
async def test_json_media_types_with_parameters_or_suffix_are_accepted(
    api: ApiClient, kind: str
) -> None:
    content = msgspec.json.encode(chess())
    answer = await api.http.post("/v1/sessions", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 201


async def test_metadata_may_be_nested_32_deep_with_and_without_a_key(api: ApiClient) -> None:
    nested: Any = {}
    for _ in range(31):
        nested = {"a": nested}
    assert (await api.create(chess(metadata=nested))).status_code == 201
    for headers in ({}, {"Idempotency-Key": str(uuid4())}):
        refused = await api.create(chess(metadata={"a": nested}), **headers)
        assert details_of(refused) == {"metadata": "cannot be nested deeper than 32"}


async def test_an_unexpected_body_is_ignored(api: ApiClient) -> None:
    headers = {**JSON, "Idempotency-Key": str(uuid4())}
    path = f"/v1/sessions/{await api.created(chess())}"
    answer = await api.http.request("DELETE", path, content=b"garbage", headers=headers)
    assert answer.status_code == 204


async def test_a_trailing_slash_is_404_and_not_redirected(api: ApiClient) -> None:
    answer = check_documented(await api.http.post("/v1/sessions/", json=chess()), None)
    assert error_of(answer) == (404, "NOT_FOUND")


async def test_an_unknown_route_is_not_found(api: ApiClient) -> None:
    assert error_of(check_documented(await api.http.get("/v2/sessions"), None)) == (
        404,
        "NOT_FOUND",
    )


async def test_a_wrong_method_is_405_with_the_allowed_ones(api: ApiClient) -> None:
    answer = check_documented(await api.http.put("/v1/sessions"), None)
    assert error_of(answer) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    other = check_documented(await api.http.put(f"/v1/sessions/{uuid4()}"), None)
    assert other.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"


@pytest.mark.parametrize(
    "bad", ["abc", "1", "11111111-1111-4111-8111-11111111111", "%00", "a" * 5_000]
)
async def test_a_bad_uuid_in_the_path_is_a_validation_error(api: ApiClient, bad: str) -> None:
    assert details_of(await api.get(bad)) == {"session_id": "must be a valid UUID"}


_BAD_ID = "must be 1 to 64 printable characters"


@pytest.mark.parametrize("bad", ["%00", "%20a", "a%0A", "a" * 65, "%F0%9F%98%80" * 65])
async def test_a_bad_participant_id_in_the_path_is_a_validation_error(
    api: ApiClient, bad: str
) -> None:
    path = f"/v1/sessions/{uuid4()}/participants/{bad}"
    answer = check_documented(await api.http.patch(path, json={"total_time_ms": 5_000}), None)
    assert details_of(answer) == {"participant_id": _BAD_ID}
    assert answer.json()["error"]["details"][0]["code"] == "invalid_id"


def bad_fields() -> Iterator[tuple[dict[str, Any], str, str]]:
    """Yield create bodies with one fault each, the field at fault and its error message."""
    twin = participant()
    group = str(uuid4())
    yield chess(total_time_ms=999), "total_time_ms", "must be at least 1000ms"
    yield chess(total_time_ms=86_400_001), "total_time_ms", "cannot exceed 86400000ms"
    yield chess(total_time_ms="5000"), "total_time_ms", "must be an integer"
    yield chess(total_time_ms=5000.5), "total_time_ms", "must be an integer"
    yield chess(total_time_ms=True), "total_time_ms", "must be an integer"
    yield chess(increment_ms=-1), "increment_ms", "must be at least 0ms"
    yield chess(increment_ms=60_001), "increment_ms", "cannot exceed 60000ms"
    yield chess(session_id="x"), "session_id", "must be a valid UUID"
    yield chess(session_id=5), "session_id", "must be a string"
    yield chess(surprise=1), "surprise", "is not a known field"
    yield chess(auto_advance="yes"), "auto_advance", "must be true or false"
    yield chess(metadata=[]), "metadata", "must be an object"
    yield chess(metadata={"a": "x" * 9_000}), "metadata", "cannot exceed 8192 bytes as JSON"
    yield chess(action_on_timeout={"a": "x" * 9_000}), "action_on_timeout", "cannot exceed 8192"
    yield chess(warn_at_ms=[1] * 6), "warn_at_ms", "cannot exceed 5 entries"
    yield chess(warn_at_ms=[0]), "warn_at_ms.0", "must be at least 1ms"
    yield (
        chess(active_participant_id=str(uuid4())),
        "active_participant_id",
        "must be one of the participants",
    )
    yield (
        chess(participants=[participant() for _ in range(1_001)]),
        "participants",
        "cannot exceed 1000 entries",
    )
    yield chess(participants=[]), "participants", "must have at least 1 participant"
    yield (
        chess(participants=[participant(500)]),
        "participants.0.total_time_ms",
        "must be at least 1000ms",
    )
    yield (
        chess(participants=[participant(None)]),
        "participants.0.total_time_ms",
        "is required in per_participant",
    )
    yield (
        chess(participants=[{"total_time_ms": 5_000}]),
        "participants.0.participant_id",
        "is required",
    )
    yield chess(participants=[twin, twin]), "participants.1.participant_id", "must be unique"
    yield (
        chess(participants=[participant(participant_index=1), participant(participant_index=1)]),
        "participants.1.participant_index",
        "must be unique",
    )
    yield (
        chess(groups=[{"group_id": group, "total_time_ms": 5_000}]),
        "groups",
        "is for per_group only",
    )
    yield (
        {"sync_mode": "global"},
        "total_time_ms",
        "is required in global unless time_per_cycle_ms, ends_at or items are given",
    )
    yield {"participants": []}, "sync_mode", "is required"
    for bad in ("", " a", "a\n", "x" * 65):
        people = [participant(participant_id=bad)]
        yield chess(participants=people), "participants.0.participant_id", _BAD_ID
        people = [participant(group_id=bad)]
        yield chess(participants=people), "participants.0.group_id", _BAD_ID
        grouped = [{"group_id": bad, "total_time_ms": 5_000}]
        yield chess(groups=grouped), "groups.0.group_id", _BAD_ID
        yield chess(active_participant_id=bad), "active_participant_id", _BAD_ID
    yield chess(active_participant_id=5), "active_participant_id", "must be a string"
    for name, fault in (
        ("", "must have at least 1 character that is not a space"),
        (" \N{NO-BREAK SPACE}", "must have at least 1 character that is not a space"),
        ("x" * 101, "cannot exceed 100 characters"),
        ("a\nb", "cannot contain control characters"),
        (5, "must be a string"),
    ):
        yield chess(participants=[participant(name=name)]), "participants.0.name", fault
        grouped = [{"group_id": group, "total_time_ms": 5_000, "name": name}]
        yield chess(groups=grouped), "groups.0.name", fault
    yield chess(action_on_timeout={"type": "explode"}), "action_on_timeout.type", "must be one of"


@pytest.mark.parametrize(("body", "field", "message"), list(bad_fields()))
async def test_a_validation_error_names_field_and_rule(
    api: ApiClient, body: dict[str, Any], field: str, message: str
) -> None:
    details = details_of(await api.create(body))
    assert message in details[field]


async def test_all_validation_errors_are_returned_together(api: ApiClient) -> None:
    body = chess(total_time_ms=1, increment_ms=-1, participants=[participant(1), {"x": 1}])
    assert details_of(await api.create(body)).keys() == {
        "total_time_ms",
        "increment_ms",
        "participants.0.total_time_ms",
        "participants.1.participant_id",
        "participants.1.x",
    }


async def test_randomly_damaged_bodies_cause_no_server_error(api: ApiClient) -> None:
    """Send valid bodies with random damage to all endpoints that take a body.

    503 asks for a repetition: functions that start at the same time may be too slow for the store.
    """
    dice = random.Random(20_261_123)
    session_id = await api.started(chess())
    statuses: list[int] = []

    async def worker(count: int) -> None:
        for _ in range(count):
            method, path = _target(dice, session_id)
            content = _damaged(dice, msgspec.json.encode(_body(dice)))
            for _ in range(_ATTEMPTS):
                answer = await api.http.request(method, path, content=content, headers=JSON)
                if answer.status_code >= 400:
                    check_documented(answer, None)
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    break
            statuses.append(answer.status_code)

    await asyncio.gather(*(worker(_BODIES // _CONCURRENCY) for _ in range(_CONCURRENCY)))
    assert len(statuses) == _BODIES
    assert max(statuses) < 500
    assert statuses.count(400) > _BODIES // 2
    assert (await api.http.get("/health")).status_code == httpx.codes.OK


def _target(dice: random.Random, session_id: str) -> tuple[str, str]:
    session = f"/v1/sessions/{session_id}"
    verbs = ("switch", "start", "pause", "resume", "participants")
    targets = [("POST", "/v1/sessions"), ("POST", "/v1/sessions/batch")]
    targets += [("POST", f"{session}/{verb}") for verb in verbs]
    targets.append(("PATCH", f"{session}/participants/{uuid4()}"))
    return dice.choice(targets)


def _body(dice: random.Random) -> Any:
    bodies: list[Any] = [
        chess(metadata={"deep": [[{}]]}, warn_at_ms=[5_000]),
        {"next_participant_id": str(uuid4())},
        {"session_ids": [str(uuid4())]},
        {"total_time_ms": 60_000, "reason": "x"},
        participant(),
    ]
    body = dice.choice(bodies)
    unusual: list[Any] = [
        None,
        -1,
        2**63,
        2**200,
        1.5,
        "",
        "\u0000",
        [],
        {},
        True,
        "x" * 300,
        [[]],
        {"": {}},
    ]
    for key in list(body):
        if dice.random() < 0.4:
            body[key] = dice.choice(unusual)
    if dice.random() < 0.3:
        body[dice.choice(["", "x", "sync_mode", "$where"])] = dice.choice(unusual)
    return body


def _damaged(dice: random.Random, content: bytes) -> bytes:
    damaged = bytearray(content)
    for _ in range(dice.choice([0, 0, 1, 2, 8])):
        position = dice.randrange(len(damaged) + 1)
        damaged[position : position + dice.randrange(4)] = dice.randbytes(dice.randrange(4))
    return bytes(damaged)

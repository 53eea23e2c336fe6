"""HTTP semantics of all routes: methods, caching and conditions (RFC 9110, RFC 9111)."""

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.api import ApiClient, chess, error_of, participant
from tests.support.target import IS_FUNCTIONS, pairs

pytestmark = pytest.mark.http

SESSION = "/v1/sessions/{id}"
READABLE = [SESSION, f"{SESSION}/summary", f"{SESSION}/replay?version=2"]
GETTABLE = [
    *READABLE,
    f"{SESSION}/events",
    f"{SESSION}/realtime",
    "/v1/time",
    "/v1/time-controls",
    "/health",
    "/ready",
    "/",
    "/console/main.js",
    "/clients/js/synckairos.js",
    "/api-docs",
    "/api-docs.json",
    "/api-docs/start.js",
    "/api-docs/swagger-ui.css",
]
FILES = ["/", "/console/main.js", "/api-docs/swagger-ui.css"]
VARYING = {
    "x-request-id",
    "date",
    "ratelimit-remaining",
    "ratelimit-reset",
    "apigw-requestid",
    "transfer-encoding",
}


@pytest.fixture(scope="module")
def sessions() -> list[str]:
    """Ids of sessions that tests share for reading."""
    return []


@pytest.fixture
async def session_id(api: ApiClient, sessions: list[str]) -> str:
    """Id of a session that tests only read; its two versions are in the audit trail.

    It hasn't started: no clock runs, so its numbers keep their lengths.
    """
    if not sessions:
        name = await api.created(chess(metadata={"text": "a" * 2_000}))
        await api.do(name, "participants", participant())
        async with asyncio.timeout(30):
            while not await _is_in_trail(api, name, version=2):
                await asyncio.sleep(0.02)
        sessions.append(name)
    return sessions[0]


async def _is_in_trail(api: ApiClient, session_id: str, version: int) -> bool:
    answer = await api.http.get(f"/v1/sessions/{session_id}/events")
    return version in [event["version"] for event in answer.json()["data"]["events"]]


def stable_headers(answer: httpx.Response) -> dict[str, str]:
    """Return the headers that don't vary between answers to the same request."""
    varying = VARYING | ({"content-length"} if IS_FUNCTIONS else set())
    return {name: value for name, value in answer.headers.items() if name not in varying}


@pytest.mark.parametrize(("path", "coding"), pairs(GETTABLE, ["identity", "gzip"]))
async def test_head_is_answered_as_get_without_a_body(
    api: ApiClient, session_id: str, path: str, coding: str
) -> None:
    path = path.format(id=session_id)
    headers = {"Accept-Encoding": coding}
    get = await api.http.get(path, headers=headers)
    head = await api.http.head(path, headers=headers)
    assert (get.status_code, head.status_code) == (200, 200)
    assert head.content == b""
    of_get, of_head = stable_headers(get), stable_headers(head)
    if coding == "gzip":  # times in the body change, and with them its compressed length
        of_get.pop("content-length", None)
        of_head.pop("content-length", None)
    assert of_head == of_get


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/sessions/10000000-0000-4000-8000-000000000001", 404),
        ("/v1/sessions/abc", 400),
        ("/v1/sessions/10000000-0000-4000-8000-000000000001/start", 405),
        ("/nowhere", 404),
    ],
)
async def test_head_is_refused_as_get_is(api: ApiClient, path: str, status: int) -> None:
    get, head = await api.http.get(path), await api.http.head(path)
    assert (get.status_code, head.status_code, head.content) == (status, status, b"")


async def test_head_of_a_known_version_is_304(api: ApiClient) -> None:
    path = SESSION.format(id=await api.started(chess()))
    answer = await api.http.head(path, headers={"If-None-Match": '"2"'})
    assert (answer.status_code, answer.headers["etag"]) == (304, '"2"')


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        (SESSION, "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/v1/sessions", "GET, HEAD, OPTIONS, POST"),
        (f"{SESSION}/switch", "OPTIONS, POST"),
        ("/v1/time", "GET, HEAD, OPTIONS"),
        ("/console/main.js", "GET, HEAD, OPTIONS"),
    ],
)
async def test_options_and_405_list_the_allowed_methods(
    api: ApiClient, path: str, methods: str
) -> None:
    path = path.format(id=await api.created(chess()))
    allowed, refused = await api.http.options(path), await api.http.put(path)
    assert (allowed.status_code, allowed.headers["allow"], allowed.content) == (204, methods, b"")
    assert error_of(refused) == (405, "METHOD_NOT_ALLOWED")
    assert refused.headers["allow"] == methods
    assert refused.json()["error"]["message"] == f"Method not allowed: use {methods}"


async def test_options_of_an_unknown_path_is_404(api: ApiClient) -> None:
    assert error_of(await api.http.options("/nowhere")) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/v1/time", "/health", "/ready", f"{SESSION}/events"])
async def test_an_answer_about_the_present_is_not_cached(
    api: ApiClient, session_id: str, path: str
) -> None:
    answer = await api.http.get(path.format(id=session_id))
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/sessions/10000000-0000-4000-8000-000000000001", 404),
        ("/v1/sessions/abc", 400),
        ("/nowhere", 404),
    ],
)
async def test_an_error_is_not_cached(api: ApiClient, path: str, status: int) -> None:
    answer = await api.http.get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (status, "no-store")


async def test_the_answer_to_a_change_is_not_cached(api: ApiClient) -> None:
    created = await api.create(chess())
    session_id = created.json()["data"]["session_id"]
    started = await api.do(session_id, "start")
    switched = await api.do(session_id, "switch")
    batch = await api.http.post("/v1/sessions/batch", json={"session_ids": [session_id]})
    deleted = await api.delete(session_id)
    for answer in (created, started, switched, batch, deleted):
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", READABLE)
async def test_a_session_is_cached_privately_and_revalidated(
    api: ApiClient, session_id: str, path: str
) -> None:
    answer = await api.http.get(path.format(id=session_id))
    assert answer.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize(("path", "tag"), pairs(READABLE, ['"2"', 'W/"2"', '"1", "2"', "*"]))
async def test_if_none_match_of_the_current_version_is_304(
    api: ApiClient, session_id: str, path: str, tag: str
) -> None:
    path = path.format(id=session_id)
    answer = await api.http.get(path, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == '"2"'
    assert answer.headers["cache-control"] == "private, no-cache"


async def test_if_none_match_may_be_several_header_fields(api: ApiClient) -> None:
    path = SESSION.format(id=await api.started(chess()))
    fields = [("If-None-Match", '"1"'), ("If-None-Match", '"2"')]
    assert (await api.http.get(path, headers=fields)).status_code == 304


@pytest.mark.parametrize(("path", "tag"), pairs(READABLE, ['"1"', '"2', "2", '"x", *']))
async def test_if_none_match_of_another_version_is_200(
    api: ApiClient, session_id: str, path: str, tag: str
) -> None:
    path = path.format(id=session_id)
    assert (await api.http.get(path, headers={"If-None-Match": tag})).status_code == 200


async def test_a_replay_of_an_unknown_session_is_404_despite_if_none_match(api: ApiClient) -> None:
    path = "/v1/sessions/10000000-0000-4000-8000-000000000001/replay?version=1"
    answer = await api.http.get(path, headers={"If-None-Match": "*"})
    assert answer.status_code == 404


@pytest.mark.parametrize("path", FILES)
async def test_a_static_file_is_asked_for_again_and_if_none_match_is_304(
    api: ApiClient, path: str
) -> None:
    whole = await api.http.get(path)
    answer = await api.http.get(path, headers={"If-None-Match": whole.headers["etag"]})
    assert (answer.status_code, answer.content) == (304, b"")
    assert [each.headers["cache-control"] for each in (whole, answer)] == ["no-cache", "no-cache"]


def _gzipped(body: dict[str, Any]) -> bytes:
    return gzip.compress(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("coding", "pack"),
    pairs(
        ["gzip", "GZIP", "br", "deflate", "gzip, identity"],
        [_gzipped, lambda body: json.dumps(body).encode()],
    ),
)
async def test_an_encoded_body_is_refused_and_the_accepted_coding_named(
    api: ApiClient, coding: str, pack: Callable[[dict[str, Any]], bytes]
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    answer = await api.http.post("/v1/sessions", content=pack(chess()), headers=headers)
    assert error_of(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert answer.headers["accept-encoding"] == "identity"


async def test_an_encoded_body_of_a_switch_changes_nothing(api: ApiClient) -> None:
    session_id = await api.started(chess())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    path = f"/v1/sessions/{session_id}/switch"
    answer = await api.http.post(path, content=_gzipped({}), headers=headers)
    assert error_of(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert (await api.session(session_id))["version"] == 2


async def test_content_encoding_identity_is_accepted(api: ApiClient) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "identity"}
    answer = await api.http.post("/v1/sessions", json=chess(), headers=headers)
    assert answer.status_code == 201


async def test_another_media_type_is_refused_and_the_accepted_one_named(api: ApiClient) -> None:
    headers = {"Content-Type": "application/xml"}
    answer = await api.http.post("/v1/sessions", content=b"<a/>", headers=headers)
    assert error_of(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert answer.headers["accept"] == "application/json"

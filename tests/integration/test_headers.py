"""Entity tags, idempotency keys, request ids, compression and CORS (docs/api.md)."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from tests.support.api import ApiClient, chess, error_of
from tests.support.target import running_service

pytestmark = pytest.mark.http


async def test_the_etag_of_a_session_is_its_version(api: ApiClient) -> None:
    session_id = await api.created(chess())
    assert (await api.get(session_id)).headers["etag"] == '"1"'
    assert (await api.do(session_id, "start")).headers["etag"] == '"2"'
    assert (await api.do(session_id, "switch")).headers["etag"] == '"3"'


@pytest.mark.parametrize("tag", ['"1"', 'W/"2"', "2", '"x"'])
async def test_a_stale_precondition_changes_nothing(api: ApiClient, tag: str) -> None:
    session_id = await api.started(chess())
    answer = await api.do(session_id, "switch", headers={"If-Match": tag})
    assert error_of(answer) == (412, "PRECONDITION_FAILED")
    assert (await api.session(session_id))["version"] == 2


@pytest.mark.parametrize("tag", ['"2"', '"1", "2"', "*"])
async def test_a_current_precondition_allows_the_change(api: ApiClient, tag: str) -> None:
    session_id = await api.started(chess())
    answer = await api.do(session_id, "switch", headers={"If-Match": tag})
    assert answer.json()["data"]["version"] == 3


@pytest.mark.parametrize("verb", ["start", "switch"])
async def test_a_retry_gets_the_first_answer(api: ApiClient, other: ApiClient, verb: str) -> None:
    make = api.created if verb == "start" else api.started
    session_id = await make(chess())
    headers = {"Idempotency-Key": str(uuid4())}
    first = await api.do(session_id, verb, headers=headers)
    second = await other.do(session_id, verb, headers=headers)
    assert first.status_code == second.status_code == 200
    assert second.content == first.content
    assert second.headers["etag"] == first.headers["etag"]
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"


async def test_concurrent_requests_with_one_key_change_the_session_once(
    api: ApiClient, other: ApiClient
) -> None:
    session_id = await api.started(chess())
    headers = {"Idempotency-Key": str(uuid4())}
    requests = [client.do(session_id, "switch", headers=headers) for client in (api, other) * 10]
    answers = await asyncio.gather(*requests)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert (await api.session(session_id))["version"] == 3


async def test_one_key_creates_one_session(api: ApiClient, other: ApiClient) -> None:
    body, key = chess(), {"Idempotency-Key": str(uuid4())}
    answers = await asyncio.gather(*(client.create(body, **key) for client in (api, other) * 5))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.headers["location"] for answer in answers}) == 1


async def test_a_key_replays_its_answer_on_every_shard(own_redis_url: str) -> None:
    with running_service(own_redis_url, warm=["create"], STORE_SHARDS="7") as url:
        async with httpx.AsyncClient(base_url=url, timeout=20) as http:
            api = ApiClient(http)
            for _ in range(10):
                body, key = chess(), {"Idempotency-Key": str(uuid4())}
                first, second = await api.create(body, **key), await api.create(body, **key)
                assert first.content == second.content
                assert second.headers["idempotent-replayed"] == "true"


async def test_a_key_with_another_request_is_refused(api: ApiClient) -> None:
    session_id = await api.started(chess())
    headers = {"Idempotency-Key": str(uuid4())}
    await api.do(session_id, "switch", headers=headers)
    body = {"current_participant_id": str(uuid4())}
    other_body = await api.do(session_id, "switch", body, headers)
    other_verb = await api.do(session_id, "pause", headers=headers)
    assert error_of(other_body) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert error_of(other_verb) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_creations_key_with_another_body_is_refused(api: ApiClient) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    first = await api.create(chess(), **key)
    named = await api.create(chess(session_id=str(uuid4())), **key)
    assert first.status_code == 201
    assert error_of(named) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_missing_and_an_empty_body_are_the_same_request(api: ApiClient) -> None:
    session_id = await api.started(chess())
    headers = {"Idempotency-Key": str(uuid4())}
    await api.do(session_id, "switch", {}, headers)
    again = await api.http.post(f"/v1/sessions/{session_id}/switch", headers=headers)
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_retried_deletion_gets_the_first_answer(api: ApiClient) -> None:
    session_id = await api.created(chess())
    key = {"Idempotency-Key": str(uuid4())}
    assert (await api.delete(session_id, **key)).status_code == 204
    again = await api.delete(session_id, **key)
    assert again.status_code == 204
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("key", ["", "with space", "x" * 256])
async def test_a_malformed_key_is_refused(api: ApiClient, key: str) -> None:
    session_id = await api.started(chess())
    answer = await api.do(session_id, "switch", headers={"Idempotency-Key": key})
    assert error_of(answer) == (400, "VALIDATION_ERROR")
    assert (await api.session(session_id))["version"] == 2


async def test_a_valid_request_id_is_kept(api: ApiClient) -> None:
    answer = await api.http.get("/nowhere", headers={"X-Request-Id": "abc-1"})
    assert answer.headers["x-request-id"] == "abc-1"
    assert answer.json()["error"]["request_id"] == "abc-1"


@pytest.mark.parametrize("given", ["x" * 200, "a b"])
async def test_an_invalid_request_id_is_replaced(api: ApiClient, given: str) -> None:
    answer = await api.http.get("/health", headers={"X-Request-Id": given})
    assert answer.headers["x-request-id"] not in ("", given)


async def test_long_answers_are_compressed_if_the_client_accepts_gzip(api: ApiClient) -> None:
    session_id = await api.created(chess(metadata={"text": "a" * 2_000}))
    path = f"/v1/sessions/{session_id}"
    compressed = await api.http.get(path, headers={"Accept-Encoding": "gzip"})
    plain = await api.http.get(path, headers={"Accept-Encoding": "identity"})
    short = await api.http.get("/health", headers={"Accept-Encoding": "gzip"})
    refusing = await api.http.get(path, headers={"Accept-Encoding": "br, gzip;q=0"})
    assert "content-encoding" not in refusing.headers
    assert compressed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in short.headers
    assert compressed.json()["data"]["metadata"] == plain.json()["data"]["metadata"]


async def test_cors_allows_only_listed_origins(own_redis_url: str) -> None:
    with running_service(
        own_redis_url, warm=[], CORS_ORIGINS="https://a.example, https://b.example"
    ) as url:
        async with httpx.AsyncClient(base_url=url, timeout=20) as http:
            allowed = await http.get("/health", headers={"Origin": "https://b.example"})
            foreign = await http.get("/health", headers={"Origin": "https://c.example"})
            request_headers = {
                "Origin": "https://a.example",
                "Access-Control-Request-Headers": (
                    "authorization,content-type,idempotency-key,if-match,if-none-match"
                ),
            }
            preflights = [
                await http.options(
                    "/v1/sessions",
                    headers=request_headers | {"Access-Control-Request-Method": method},
                )
                for method in ("POST", "PATCH")
            ]
    assert allowed.headers["access-control-allow-origin"] == "https://b.example"
    exposed = allowed.headers["access-control-expose-headers"]
    assert {"ETag", "RateLimit-Remaining", "Retry-After"} <= set(exposed.split(", "))
    assert "access-control-allow-origin" not in foreign.headers
    assert [preflight.status_code for preflight in preflights] == [200, 200]


async def test_cors_for_any_origin_allows_no_credentials(own_redis_url: str) -> None:
    with running_service(own_redis_url, warm=[], CORS_ORIGINS="*") as url:
        async with httpx.AsyncClient(base_url=url, timeout=20) as http:
            origin = {"Origin": "https://anywhere.example"}
            simple = await http.get("/health", headers=origin | {"Cookie": "session=1"})
            asking = origin | {"Access-Control-Request-Method": "POST"}
            preflight = await http.options("/v1/sessions", headers=asking)
    for answer in (simple, preflight):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers

"""Quotas of a host and a session: stored bytes, written bytes and automatic changes."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from infra.local.redis import embedded_redis
from shared.application.session_parts import MOST_UNDIVIDED
from tests.support import tokens
from tests.support.api import ApiClient, api_client, chess, participant
from tests.support.target import running_service
from tests.support.tokens import WITH_AUTHENTICATION

_MOST_BYTES = 1024 * 1024
_MOST_WRITTEN = 3 * _MOST_BYTES


@pytest.fixture(scope="module")
def limited_url() -> Iterator[str]:
    """A service with small limits."""
    limits = {
        "RATE_LIMIT_GENERAL": "0",
        "RATE_LIMIT_SWITCH": "0",
        "MAX_BYTES_PER_CALLER": str(_MOST_BYTES),
        "MAX_WRITTEN_PER_CALLER": str(_MOST_WRITTEN),
        "MAX_AUTOMATIC_LOAD_PER_SESSION": "20",
        "MAX_AUTOMATIC_LOAD_PER_CALLER": "40",
    }
    with (
        embedded_redis() as redis_url,
        running_service(redis_url, **WITH_AUTHENTICATION, **limits) as url,
    ):
        yield url


@pytest.fixture
async def api(limited_url: str) -> AsyncIterator[ApiClient]:
    """A client of a host without sessions."""
    async with api_client(limited_url, tokens.host(str(uuid4())), timeout=20) as api:
        yield api


@pytest.fixture
async def backend(limited_url: str) -> AsyncIterator[ApiClient]:
    """A client with a backend's token; a backend owns no sessions."""
    async with api_client(limited_url, tokens.service(), timeout=20) as api:
        yield api


def large_body(**more: Any) -> dict[str, Any]:
    """Return a create body of a session that takes some 90 kB."""
    seats = [participant() for _ in range(500)]
    return {"sync_mode": "per_participant", "participants": seats, **more}


def advancing_body(
    players: int, cycle_ms: int | None = 1_000, bank_ms: int | None = None, **more: Any
) -> dict[str, Any]:
    """Return a create body of a session that advances automatically without end."""
    body = {
        "sync_mode": "per_cycle",
        "participants": [participant(bank_ms) for _ in range(players)],
        "auto_advance": True,
        **more,
    }
    return body if cycle_ms is None else {**body, "time_per_cycle_ms": cycle_ms}


async def fill_quota(api: ApiClient, body: Callable[[], dict[str, Any]] = large_body) -> list[str]:
    """Create sessions until one is refused; return their ids."""
    session_ids: list[str] = []
    while (answer := await api.create(body())).status_code == 201:
        session_ids.append(answer.json()["data"]["session_id"])
    assert answer.status_code == 429
    return session_ids


def violation(answer: httpx.Response) -> tuple[str, str]:
    """Return the field and the message of an answer's only violation."""
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "VALIDATION_ERROR"
    (detail,) = error["details"]
    return detail["field"], detail["message"]


async def test_a_creation_over_the_quota_is_refused_with_the_limit_and_a_remedy(
    api: ApiClient,
) -> None:
    session_ids = await fill_quota(api)
    assert 5 <= len(session_ids) <= 12
    refused = await api.create(large_body())
    error = refused.json()["error"]
    assert error["code"] == "RATE_LIMIT_EXCEEDED"
    assert str(_MOST_BYTES) in error["message"]
    assert "delete some" in error["message"]
    assert error["details"] == {"max_bytes": _MOST_BYTES}
    assert refused.headers["retry-after"] == "60"


async def test_a_host_at_its_quota_does_not_limit_other_hosts(
    api: ApiClient, limited_url: str
) -> None:
    await fill_quota(api)
    async with api_client(limited_url, tokens.host(str(uuid4()))) as other:
        assert (await other.create(large_body())).status_code == 201


async def test_running_sessions_go_on_when_their_host_is_at_its_quota(api: ApiClient) -> None:
    session_id = await api.started(chess())
    await fill_quota(api)
    for _ in range(5):
        key = {"Idempotency-Key": str(uuid4())}
        assert (await api.do(session_id, "switch", headers=key)).status_code == 200
    assert (await api.do(session_id, "complete")).status_code == 200


async def test_deleted_sessions_free_the_quota(api: ApiClient) -> None:
    session_ids = await fill_quota(api)
    for session_id in session_ids[:2]:
        assert (await api.delete(session_id)).status_code == 204
    assert (await api.create(large_body())).status_code == 201


async def test_added_participants_count_towards_the_quota(api: ApiClient) -> None:
    await fill_quota(api)
    small = await fill_quota(api, chess)
    path = f"/v1/sessions/{small[0]}/participants"
    for _ in range(20):
        answer = await api.http.post(path, json=participant())
        if answer.status_code != 201:
            break
    assert answer.status_code == 429
    assert str(_MOST_BYTES) in answer.json()["error"]["message"]


async def fill_with_records(api: ApiClient) -> str:
    """Fill the quota with sessions, and what is left with records; return a running session's id.

    A record has the session, because this service has no trail. The last ones are small.
    """
    large = await api.started(chess(participants=[participant() for _ in range(100)]))
    small = await api.started(chess())
    await fill_quota(api)
    await fill_quota(api, chess)
    for session_id in (large, small):
        statuses = [200]
        while statuses[-1] == 200 and len(statuses) < 300:
            key = {"Idempotency-Key": "k" * 200 + str(len(statuses))}
            statuses.append((await api.do(session_id, "switch", headers=key)).status_code)
        assert statuses[-1] == 429
    return small


async def test_metadata_of_a_beginning_counts_towards_the_quota(api: ApiClient) -> None:
    seats = [{"participant_id": str(uuid4())} for _ in range(2)]
    body = {"sync_mode": "individual", "participants": seats, "total_time_ms": 60_000}
    session_id = await api.started({**body, "begins": "each"})
    large = {"participants": [seats[0]["participant_id"]], "metadata": {"pad": "x" * 8_000}}
    await fill_with_records(api)
    refused = await api.do(session_id, "begin", large)
    error = refused.json()["error"]
    assert (refused.status_code, error["details"]) == (429, {"max_bytes": _MOST_BYTES})
    small = {"participants": large["participants"]}
    assert (await api.do(session_id, "begin", small)).status_code == 200


async def test_idempotency_records_are_limited_and_changes_without_a_key_are_not(
    api: ApiClient,
) -> None:
    session_id = await fill_with_records(api)
    assert (await api.do(session_id, "switch")).status_code == 200


async def test_a_session_that_advances_too_fast_for_its_size_is_refused(api: ApiClient) -> None:
    assert (await api.create(advancing_body(20))).status_code == 201
    field, message = violation(await api.create(advancing_body(21)))
    assert field == "time_per_cycle_ms"
    assert "cannot exceed 20, and would be 21" in message
    assert (await api.create(advancing_body(21, 2_000))).status_code == 201
    assert (await api.create(advancing_body(21, auto_advance=False))).status_code == 201
    skipping = advancing_body(21, auto_advance=False, action_on_timeout={"type": "skip_cycle"})
    assert violation(await api.create(skipping))[0] == "time_per_cycle_ms"
    assert violation(await api.create(advancing_body(21, None, 1_000)))[0] == "participants"


async def test_warnings_count_as_automatic_changes(api: ApiClient) -> None:
    assert (await api.create(advancing_body(20, 2_000, warn_at_ms=[500]))).status_code == 201
    assert violation(await api.create(advancing_body(20, 2_000, warn_at_ms=[500, 700])))


async def test_a_participant_that_would_exceed_the_automatic_load_is_refused(
    api: ApiClient,
) -> None:
    session_id = await api.created(advancing_body(20))
    answer = await api.http.post(f"/v1/sessions/{session_id}/participants", json=participant(None))
    assert violation(answer)[0] == "participant_id"
    assert (await api.session(session_id))["version"] == 1


async def test_a_clock_that_would_exceed_the_automatic_load_is_refused(api: ApiClient) -> None:
    body = advancing_body(23, None, 1_000)
    slow = participant(20_000)
    session_id = await api.created({**body, "participants": [*body["participants"], slow]})
    path = f"/v1/sessions/{session_id}/participants/{slow['participant_id']}"
    assert violation(await api.http.patch(path, json={"total_time_ms": 1_000}))[0] == (
        "total_time_ms"
    )
    assert (await api.http.patch(path, json={"total_time_ms": 15_000})).status_code == 200


async def test_an_adjustment_that_would_exceed_the_automatic_load_is_refused(
    api: ApiClient,
) -> None:
    session_id = await api.created(advancing_body(23, None, 20_000))
    answer = await api.do(session_id, "adjust", {"add_ms": -19_900})
    assert violation(answer)[0] == "add_ms"
    answer = await api.do(session_id, "adjust", {"set_ms": 15_000})
    assert answer.status_code == 200, answer.text


async def test_settings_that_would_exceed_the_automatic_load_are_refused(api: ApiClient) -> None:
    session_id = await api.created(advancing_body(20))
    path = f"/v1/sessions/{session_id}"
    warned = await api.http.patch(path, json={"warn_at_ms": [500]})
    assert violation(warned)[0] == "warn_at_ms"
    waiting = await api.created(advancing_body(21, auto_advance=False))
    action = {"action_on_timeout": {"type": "skip_cycle"}}
    answer = await api.http.patch(f"/v1/sessions/{waiting}", json=action)
    assert violation(answer)[0] == "action_on_timeout"


async def test_the_automatic_load_of_a_host_s_sessions_is_limited(
    api: ApiClient,
) -> None:
    """Each session counts as 8, the minimum for a change, however few its participants."""
    session_ids = [await api.created(advancing_body(1)) for _ in range(6)]
    answers = [await api.do(session_id, "start") for session_id in session_ids]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    error = answers[-1].json()["error"]
    assert "cannot exceed 40" in error["message"]
    assert error["details"] == {"max_automatic_load": 40}
    assert (await api.do(session_ids[0], "pause")).status_code == 200
    assert (await api.do(session_ids[5], "start")).status_code == 200
    assert (await api.do(session_ids[0], "resume")).status_code == 429
    assert (await api.delete(session_ids[1])).status_code == 204
    assert (await api.do(session_ids[0], "resume")).status_code == 200


async def test_only_the_limit_per_session_applies_to_a_backend(backend: ApiClient) -> None:
    for _ in range(12):
        assert (await backend.create(large_body())).status_code == 201
    for _ in range(6):
        await backend.started(advancing_body(1))
    assert violation(await backend.create(advancing_body(21)))


async def test_the_bytes_that_a_host_writes_per_minute_are_limited(api: ApiClient) -> None:
    # A change of a larger session writes only what it changes.
    seats = [participant(name="x" * 64) for _ in range(MOST_UNDIVIDED)]
    body = {"sync_mode": "per_participant", "participants": seats}
    session_id = await api.started(body | {"metadata": {"text": "x" * 8_000}})
    switched = 0
    while (refused := await api.do(session_id, "switch")).status_code == 200:
        switched += 1
        assert switched < 300, "at most the quotas of two minutes, if a minute ends meanwhile"
    assert refused.status_code == 429
    error = refused.json()["error"]
    assert error["details"] == {"max_written_bytes_per_minute": _MOST_WRITTEN}
    assert (await api.do(session_id, "complete")).status_code == 200


async def test_people_who_join_count_towards_the_quota_of_the_host(api: ApiClient) -> None:
    session_id = await api.started(chess())
    terms, path = {"role": "spectator"}, f"/v1/sessions/{session_id}/join-code"
    code = await api.http.post(path, json=terms)

    async def join(key: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        body = {"code": code.json()["data"]["code"]}
        return await api.http.post("/v1/join", json=body, headers=headers)

    first = str(uuid4())
    assert (await join(first)).status_code == 200
    await fill_with_records(api)
    for _ in range(30):  # There may be room for some, because a record of a change is larger.
        refused = await join(str(uuid4()))
        if refused.status_code != 200:
            break
    error = refused.json()["error"]
    assert (refused.status_code, error["details"]) == (429, {"max_bytes": _MOST_BYTES})
    assert error["message"].startswith("The host of this session has reached its maximum")
    assert (await join(first)).status_code == 200
    assert (await join()).status_code == 200
    another = await api.http.post(path, json=terms)
    assert (another.status_code, another.json()["error"]["details"]) == (429, error["details"])

"""Events and replays of the audit trail through the API."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import TypeAdapter

from shared.http.openapi import models
from tests.fuzz.extent import IS_FULL
from tests.support.api import ApiClient, check_documented, chess, details_of, error_of, participant
from tests.support.target import IS_FUNCTIONS, running_service

_trail = TypeAdapter(models.Envelope[models.AuditTrail])
_session = TypeAdapter(models.Envelope[models.Session])
_TIMEOUT_S = 30.0

pytestmark = pytest.mark.http


async def events(api: ApiClient, session_id: str, **query: Any) -> httpx.Response:
    """`GET .../events`."""
    answer = await api.http.get(f"/v1/sessions/{session_id}/events", params=query)
    return check_documented(answer, _trail)


async def replay(api: ApiClient, session_id: str, **query: Any) -> httpx.Response:
    """`GET .../replay`."""
    answer = await api.http.get(f"/v1/sessions/{session_id}/replay", params=query)
    return check_documented(answer, _session)


async def trail(api: ApiClient, session_id: str, length: int) -> list[dict[str, Any]]:
    """Wait until the audit trail has `length` events and return them."""
    async with asyncio.timeout(_TIMEOUT_S):
        while True:
            answer = await events(api, session_id)
            if len(found := answer.json()["data"]["events"]) >= length:
                return list(found)
            await asyncio.sleep(0.01)


async def test_each_change_is_in_the_trail_with_actor_request_and_time(
    api: ApiClient, other: ApiClient
) -> None:
    session_id = await api.created(chess())
    started = await other.do(session_id, "start", headers={"X-Request-Id": "the-start"})
    await other.do(session_id, "switch")
    found = await trail(api, session_id, 3)
    assert [e["version"] for e in found] == [1, 2, 3]
    assert [e["event"] for e in found] == ["session_created", "session_started", "cycle_switched"]
    assert found[1]["request_id"] == "the-start"
    assert found[1]["occurred_at"] == started.json()["data"]["updated_at"]
    assert {e["actor"] for e in found} == {"service"}


async def test_a_timeout_is_in_the_trail_with_its_action(api: ApiClient) -> None:
    players = [participant(1_000), participant(1_000)]
    body = chess(
        participants=players, action_on_timeout={"type": "end_session", "winner_by": "time"}
    )
    session_id = await api.started(body)
    timeout = (await trail(api, session_id, 3))[2]
    assert (timeout["event"], timeout["actor"]) == ("time_expired", "system")
    assert timeout["participant_id"] == players[0]["participant_id"]
    assert timeout["time_remaining_ms"] == 0
    assert timeout["metadata"]["action_applied"]["winner"] == players[1]["participant_id"]
    assert timeout["metadata"]["status"] == "expired"


async def test_events_are_paged(api: ApiClient) -> None:
    session_id = await api.started(chess())
    for _ in range(5):
        await api.do(session_id, "switch")
    await trail(api, session_id, 7)
    seen, after = [], 0
    while after is not None:
        page = (await events(api, session_id, after=after, limit=3)).json()["data"]
        seen.append([e["version"] for e in page["events"]])
        after = page["next"]
    assert seen == [[1, 2, 3], [4, 5, 6], [7]]
    beyond = (await events(api, session_id, after=7)).json()["data"]
    assert beyond == {"events": [], "next": None}


async def test_the_trail_of_a_deleted_session_is_kept(api: ApiClient) -> None:
    session_id = await api.started(chess())
    await api.delete(session_id)
    assert [e["event"] for e in await trail(api, session_id, 3)][-1] == "session_deleted"
    assert (await replay(api, session_id, version=2)).json()["data"]["status"] == "running"
    answer = await replay(api, session_id, at=1_700_000_000_000)
    assert error_of(answer) == (404, "NOT_FOUND")


async def test_events_are_paged_by_type_and_newest_first(api: ApiClient) -> None:
    session_id = await api.started(chess())
    for _ in range(3):
        await api.do(session_id, "switch")
    await trail(api, session_id, 5)
    query = {"type": "cycle_switched", "order": "desc", "limit": "2"}
    for expected in ([5, 4], [3]):
        page = (await events(api, session_id, **query)).json()["data"]
        assert [event["version"] for event in page["events"]] == expected
        query["after"] = page["next"]
    assert page["next"] is None
    for wrong in ({"type": "session_teleported"}, {"order": "newest"}):
        assert details_of(await events(api, session_id, **wrong)).keys() == wrong.keys()


async def test_a_replay_of_a_version_equals_the_answer_to_its_change(api: ApiClient) -> None:
    answers = [await api.create(chess(increment_ms=500, metadata={"a": [1, 2.5, "ü"]}))]
    session_id = answers[0].json()["data"]["session_id"]
    answers += [await api.do(session_id, verb) for verb in ("start", "pause", "resume")]
    answers.append(await api.do(session_id, "participants", participant()))
    answers.append(await api.do(session_id, "complete"))
    for version, answered in enumerate(answers, start=1):
        shown = await replay(api, session_id, version=version)
        assert shown.json() == answered.json()
        assert shown.headers["etag"] == f'"{version}"'


_MODES: list[dict[str, Any]] = [
    {"sync_mode": "per_cycle", "time_per_cycle_ms": 1_000, "auto_advance": True},
    {"sync_mode": "per_participant"},
    {"sync_mode": "per_group"},
    {"sync_mode": "global", "total_time_ms": 60_000, "time_per_cycle_ms": 20_000},
    {"sync_mode": "count_up", "max_time_ms": 60_000},
]


@pytest.mark.parametrize(
    "body",
    _MODES[:1] if IS_FUNCTIONS and not IS_FULL else _MODES,
    ids=lambda body: body["sync_mode"],
)
async def test_a_replay_of_an_instant_equals_a_read_at_that_instant(
    api: ApiClient, other: ApiClient, body: dict[str, Any]
) -> None:
    session_id = await api.started({"participants": [participant(), participant()], **body})
    reads = []
    for _ in range(3):
        await other.do(session_id, "switch")
        # Two changes within one millisecond would leave no instant between them to read at.
        await asyncio.sleep(0.002)
        reads += [await api.get(session_id), await other.get(session_id)]
        await asyncio.sleep(0.01)
    for read in reads:
        at = read.json()["data"]["server_time_ms"]
        assert (await replay(api, session_id, at=at)).json() == read.json()


async def test_a_replay_accepts_a_timestamp(api: ApiClient) -> None:
    session_id = await api.created(chess())
    created = (await api.session(session_id))["created_at"]
    shown = (await replay(api, session_id, at=created)).json()["data"]
    assert (shown["created_at"], shown["version"]) == (created, 1)


async def test_unknown_sessions_versions_and_instants_are_404(api: ApiClient) -> None:
    session_id = await api.created(chess())
    created = await api.session(session_id)
    unknown_id = str(uuid4())
    assert error_of(await events(api, unknown_id)) == (404, "SESSION_NOT_FOUND")
    assert error_of(await replay(api, unknown_id, version=1)) == (404, "SESSION_NOT_FOUND")
    assert error_of(await replay(api, unknown_id, at=1_700_000_000_000))[1] == "SESSION_NOT_FOUND"
    assert error_of(await replay(api, session_id, version=2)) == (404, "NOT_FOUND")
    before = created["server_time_ms"] - 60_000
    assert error_of(await replay(api, session_id, at=before)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ({}, "version", "is required, or `at` in its place; not both"),
        ({"version": 1, "at": 1}, "version", "is required, or `at` in its place; not both"),
        ({"version": 0}, "version", "must be at least 1"),
        ({"version": "x"}, "version", "must be an integer"),
        ({"version": 2**31}, "version", f"cannot exceed {2**31 - 1}"),
        (
            {"at": "yesterday"},
            "at",
            "must be a timestamp such as 2026-01-31T09:30:05.123Z, or ms since 1970",
        ),
        (
            {"at": "2026-01-31T09:30:05"},
            "at",
            "must be a timestamp such as 2026-01-31T09:30:05.123Z, or ms since 1970",
        ),
        (
            {"at": "9" * 30},
            "at",
            "must be a timestamp such as 2026-01-31T09:30:05.123Z, or ms since 1970",
        ),
        ({"at": "2126-01-31T09:30:05Z"}, "at", "cannot lie in the future"),
    ],
)
async def test_an_invalid_replay_query_names_field_and_rule(
    api: ApiClient, query: dict[str, Any], field: str, message: str
) -> None:
    session_id = await api.created(chess())
    assert details_of(await replay(api, session_id, **query)) == {field: message}


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ({"after": -1}, "after", "must be at least 0"),
        ({"limit": 0}, "limit", "must be at least 1"),
        ({"limit": 501}, "limit", "cannot exceed 500"),
        ({"limit": "many"}, "limit", "must be an integer"),
    ],
)
async def test_an_invalid_events_query_names_field_and_rule(
    api: ApiClient, query: dict[str, Any], field: str, message: str
) -> None:
    assert details_of(await events(api, str(uuid4()), **query)) == {field: message}


@pytest.mark.parametrize(
    ("at", "status"),
    [
        ("9999-12-31T23:59:59.999Z", 400),
        ("9999-12-31T23:59:59.999999999Z", 400),
        ("9999-12-31T23:59:59-23:59", 400),
        ("10000-01-01T00:00:00Z", 400),
        ("253402300799999", 400),
        ("253402300800000", 400),
        ("9" * 5_000, 400),
        ("0", 404),
        ("1969-12-31T23:59:59.999Z", 404),
        ("0001-01-01T00:00:00Z", 404),
        ("0001-01-01T00:00:00+23:59", 400),
        ("-1", 400),
        ("-62135596800000", 400),
        ("1e20", 400),
        ("NaN", 400),
    ],
)
async def test_an_extreme_instant_causes_no_server_error(
    api: ApiClient, at: str, status: int
) -> None:
    answer = await replay(api, await api.created(chess()), at=at)
    assert answer.status_code == status


async def test_without_an_audit_database_only_history_is_503(
    own_redis_url: str,
) -> None:
    with running_service(own_redis_url, warm=[]) as url:
        async with httpx.AsyncClient(base_url=url, timeout=20) as http:
            api = ApiClient(http)
            session_id = await api.started(chess())
            assert error_of(await events(api, session_id)) == (503, "STORE_UNAVAILABLE")
            assert error_of(await replay(api, session_id, version=1))[0] == 503
            ready = (await http.get("/ready")).json()
            assert ready == {"status": "ready", "checks": {"redis": "up", "audit": "off"}}


async def test_the_character_nul_is_refused_because_postgres_cannot_store_it(
    api: ApiClient,
) -> None:
    nul = "cannot contain the character U+0000, which Postgres can't store"
    answer = await api.create(chess(metadata={"name": "a\0b"}))
    assert details_of(answer) == {"metadata": nul}
    session_id = await api.created(body := chess())
    pid = body["participants"][0]["participant_id"]
    answer = await api.adjust(session_id, pid, {"total_time_ms": 5_000, "reason": "\0"})
    assert details_of(answer) == {"reason": nul}
    action = {"type": "notify", "message": "\0"}
    assert details_of(await api.create(chess(action_on_timeout=action))) == {
        "action_on_timeout": nul
    }

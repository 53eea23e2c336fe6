"""What one host may hold and give the service to do; what is above it is refused by name."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from infra.local.redis import embedded_redis
from tests.support import tokens
from tests.support.api import ApiClient, api_client, chess, participant
from tests.support.target import running_service
from tests.support.tokens import WITH_AUTHENTICATION

_MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def bounded_url() -> Iterator[str]:
    """A service with small limits."""
    limits = {
        "RATE_LIMIT_GENERAL": "0",
        "RATE_LIMIT_SWITCH": "0",
        "MAX_BYTES_PER_CALLER": str(_MEBIBYTE),
        "MAX_WRITTEN_PER_CALLER": str(8 * _MEBIBYTE),
        "MAX_AUTOMATIC_LOAD_PER_SESSION": "20",
        "MAX_AUTOMATIC_LOAD_PER_CALLER": "40",
    }
    with (
        embedded_redis() as redis_url,
        running_service(redis_url, **WITH_AUTHENTICATION, **limits) as url,
    ):
        yield url


@pytest.fixture
async def api(bounded_url: str) -> AsyncIterator[ApiClient]:
    """A host that holds nothing yet."""
    async with api_client(bounded_url, tokens.host(str(uuid4())), timeout=20) as api:
        yield api


@pytest.fixture
async def backend(bounded_url: str) -> AsyncIterator[ApiClient]:
    """A backend, which owns nothing."""
    async with api_client(bounded_url, tokens.service(), timeout=20) as api:
        yield api


def large(**more: Any) -> dict[str, Any]:
    """A create body of a session that takes some 90 kB."""
    seats = [participant() for _ in range(500)]
    return {"sync_mode": "per_participant", "participants": seats, **more}


def cycling(
    players: int, cycle_ms: int | None = 1_000, bank_ms: int | None = None, **more: Any
) -> dict[str, Any]:
    """A create body of a session that goes on and on by itself."""
    body = {
        "sync_mode": "per_cycle",
        "participants": [participant(bank_ms) for _ in range(players)],
        "auto_advance": True,
        **more,
    }
    return body if cycle_ms is None else {**body, "time_per_cycle_ms": cycle_ms}


async def filled(api: ApiClient, body: Callable[[], dict[str, Any]] = large) -> list[str]:
    """As many sessions of that kind as the host may have."""
    made: list[str] = []
    while (answer := await api.create(body())).status_code == 201:
        made.append(answer.json()["data"]["session_id"])
    assert answer.status_code == 429
    return made


def violation(answer: httpx.Response) -> tuple[str, str]:
    """The one field that is at fault, and what is said of it."""
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "VALIDATION_ERROR"
    (detail,) = error["details"]
    return detail["field"], detail["message"]


async def test_a_creation_too_large_is_refused_with_the_limit_and_what_to_do(
    api: ApiClient,
) -> None:
    made = await filled(api)
    assert 5 <= len(made) <= 12
    refused = await api.create(large())
    error = refused.json()["error"]
    assert error["code"] == "RATE_LIMIT_EXCEEDED"
    assert str(_MEBIBYTE) in error["message"]
    assert "delete some" in error["message"]
    assert error["details"] == {"max_bytes": _MEBIBYTE}
    assert refused.headers["retry-after"] == "60"


async def test_one_host_that_holds_too_much_is_in_nobody_elses_way(
    api: ApiClient, bounded_url: str
) -> None:
    await filled(api)
    async with api_client(bounded_url, tokens.host(str(uuid4()))) as other:
        assert (await other.create(large())).status_code == 201


async def test_those_who_play_go_on_playing_when_the_host_can_create_no_more(
    api: ApiClient,
) -> None:
    session_id = await api.started(chess())
    await filled(api)
    for _ in range(5):
        key = {"Idempotency-Key": str(uuid4())}
        assert (await api.do(session_id, "switch", headers=key)).status_code == 200
    assert (await api.do(session_id, "complete")).status_code == 200


async def test_what_is_deleted_makes_room(api: ApiClient) -> None:
    made = await filled(api)
    for session_id in made[:2]:
        assert (await api.delete(session_id)).status_code == 204
    assert (await api.create(large())).status_code == 201


async def test_participants_who_join_count_too(api: ApiClient) -> None:
    await filled(api)
    small = await filled(api, chess)
    path = f"/v1/sessions/{small[0]}/participants"
    for _ in range(20):
        answer = await api.http.post(path, json=participant())
        if answer.status_code != 201:
            break
    assert answer.status_code == 429
    assert str(_MEBIBYTE) in answer.json()["error"]["message"]


async def test_records_of_answers_are_bounded_and_a_change_without_a_key_goes_on(
    api: ApiClient,
) -> None:
    session_id = await api.started(chess())
    await filled(api)
    statuses = [200]
    while statuses[-1] == 200 and len(statuses) < 1_200:
        key = {"Idempotency-Key": "k" * 200 + str(len(statuses))}
        statuses.append((await api.do(session_id, "switch", headers=key)).status_code)
    assert statuses[-1] == 429
    assert (await api.do(session_id, "switch")).status_code == 200


async def test_a_session_that_advances_too_fast_for_its_size_is_refused(api: ApiClient) -> None:
    assert (await api.create(cycling(20))).status_code == 201
    field, message = violation(await api.create(cycling(21)))
    assert field == "time_per_cycle_ms"
    assert "cannot exceed 20, and would be 21" in message
    assert (await api.create(cycling(21, 2_000))).status_code == 201
    assert (await api.create(cycling(21, auto_advance=False))).status_code == 201
    skipping = cycling(21, auto_advance=False, action_on_timeout={"type": "skip_cycle"})
    assert violation(await api.create(skipping))[0] == "time_per_cycle_ms"
    assert violation(await api.create(cycling(21, None, 1_000)))[0] == "participants"


async def test_warnings_count_as_changes(api: ApiClient) -> None:
    assert (await api.create(cycling(20, 2_000, warn_at_ms=[500]))).status_code == 201
    assert violation(await api.create(cycling(20, 2_000, warn_at_ms=[500, 700])))


async def test_one_who_joins_a_session_that_is_as_fast_as_it_may_be_is_refused(
    api: ApiClient,
) -> None:
    session_id = await api.created(cycling(20))
    answer = await api.http.post(f"/v1/sessions/{session_id}/participants", json=participant(None))
    assert violation(answer)[0] == "participant_id"
    assert (await api.session(session_id))["version"] == 1


async def test_a_clock_that_would_make_it_too_fast_is_refused(api: ApiClient) -> None:
    body = cycling(23, None, 1_000)
    slow = participant(20_000)
    session_id = await api.created({**body, "participants": [*body["participants"], slow]})
    path = f"/v1/sessions/{session_id}/participants/{slow['participant_id']}"
    assert violation(await api.http.patch(path, json={"total_time_ms": 1_000}))[0] == (
        "total_time_ms"
    )
    assert (await api.http.patch(path, json={"total_time_ms": 15_000})).status_code == 200


async def test_all_sessions_of_a_host_together_advance_no_more_often_than_they_may(
    api: ApiClient,
) -> None:
    """Each counts as 8: a change costs something however few take part."""
    made = [await api.created(cycling(1)) for _ in range(6)]
    answers = [await api.do(session_id, "start") for session_id in made]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    error = answers[-1].json()["error"]
    assert "cannot exceed 40" in error["message"]
    assert error["details"] == {"max_automatic_load": 40}
    assert (await api.do(made[0], "pause")).status_code == 200
    assert (await api.do(made[5], "start")).status_code == 200
    assert (await api.do(made[0], "resume")).status_code == 429
    assert (await api.delete(made[1])).status_code == 204
    assert (await api.do(made[0], "resume")).status_code == 200


async def test_a_backend_is_bound_by_the_limit_of_a_session_alone(backend: ApiClient) -> None:
    for _ in range(12):
        assert (await backend.create(large())).status_code == 201
    for _ in range(6):
        await backend.started(cycling(1))
    assert violation(await backend.create(cycling(21)))


async def test_large_sessions_can_not_be_changed_faster_than_is_written_down(
    api: ApiClient,
) -> None:
    session_id = await api.started(large())
    switched = 0
    while (refused := await api.do(session_id, "switch")).status_code == 200:
        switched += 1
        assert switched < 200, "twice as many as a minute may take: a minute may end meanwhile"
    assert refused.status_code == 429
    error = refused.json()["error"]
    assert error["details"] == {"max_written_bytes_per_minute": 8 * _MEBIBYTE}
    assert (await api.do(session_id, "complete")).status_code == 200

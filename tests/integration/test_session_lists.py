"""`GET /v1/sessions`: filters, pages, rights, and what the store or the trail knows."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import TypeAdapter
from redis.asyncio import Redis

from shared.http.openapi import models
from shared.store.keys import StoreKeys
from tests.support import tokens
from tests.support.api import (
    ApiClient,
    api_client,
    check_documented,
    chess,
    details_of,
    error_of,
    forbidden_fields_of,
)

pytestmark = pytest.mark.http

_list = TypeAdapter(models.Envelope[models.SessionList])


async def listed(api: ApiClient, **query: Any) -> httpx.Response:
    return check_documented(await api.http.get("/v1/sessions", params=query), _list)


async def found(api: ApiClient, **query: Any) -> list[dict[str, Any]]:
    """Return the sessions of one page."""
    answer = await listed(api, **query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"]["sessions"])


async def ids(api: ApiClient, **query: Any) -> list[str]:
    """Return the ids of all pages."""
    names: list[str] = []
    while True:
        answer = await listed(api, **query)
        assert answer.status_code == 200, answer.text
        page = answer.json()["data"]
        names += [session["session_id"] for session in page["sessions"]]
        if page["next"] is None:
            return names
        query["after"] = page["next"]


@pytest.fixture
async def host(guarded_url: str) -> AsyncIterator[ApiClient]:
    """A host who has no sessions yet."""
    async with api_client(guarded_url, tokens.host(f"host-{uuid4()}"), timeout=20) as api:
        yield api


async def test_an_entry_is_short_and_shows_the_last_change(api: ApiClient) -> None:
    room = str(uuid4())
    session_id = await api.started(chess(metadata={"room": room, "list": [1]}))
    session = await api.session(session_id)
    assert await found(api, **{"metadata.room": room}) == [
        {
            "session_id": session_id,
            "status": "running",
            "sync_mode": "per_participant",
            "version": 2,
            "participant_count": 2,
            "metadata": {"room": room, "list": [1]},
            "owner": None,
            "created_at": session["created_at"],
            "updated_at": session["updated_at"],
        }
    ]


async def test_pages_have_each_session_once_while_others_are_created(host: ApiClient) -> None:
    before = [await host.created(chess()) for _ in range(5)]
    names, query = [], {"limit": "2"}
    for _ in range(3):
        page = (await listed(host, **query)).json()["data"]
        names += [session["session_id"] for session in page["sessions"]]
        query["after"] = page["next"]
        await host.created(chess())
    assert page["next"] is None
    assert names == before[::-1]
    assert len(await ids(host)) == 8


async def test_sessions_are_listed_by_status_mode_instant_and_metadata(host: ApiClient) -> None:
    first = await host.started(chess(metadata={"room": "a", "table": 7, "rated": True}))
    timer = {"sync_mode": "global", "total_time_ms": 60_000, "metadata": {"room": "a", "table": 8}}
    second = await host.created(timer)
    third = await host.created(chess(metadata={"room": "b", "table": "7", "rated": "true"}))
    await host.do(third, "start")
    await host.do(third, "cancel")
    created_at = (await host.session(first))["created_at"]
    for query, expected in (
        ({}, [third, second, first]),
        ({"status": "running"}, [first]),
        ({"status": "cancelled"}, [third]),
        ({"mode": "global"}, [second]),
        ({"metadata.room": "a"}, [second, first]),
        ({"metadata.room": "a", "metadata.table": "8"}, [second]),
        ({"metadata.table": "7"}, [third, first]),
        ({"metadata.table": "7.0"}, [first]),
        ({"metadata.rated": "true"}, [third, first]),
        ({"metadata.room": "A"}, []),
        ({"metadata.none": "a"}, []),
        ({"created_after": created_at}, [third, second]),
        ({"after_all": "is no parameter"}, [third, second, first]),
    ):
        assert await ids(host, **query) == expected, query


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "alive"}, "status"),
        ({"mode": "chess"}, "mode"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"after": ""}, "after"),
        ({"after": "abc"}, "after"),
        ({"after": "f" * 31}, "after"),
        ({"created_after": "yesterday"}, "created_after"),
        ({"owner": ""}, "owner"),
        ({"owner": "ad\0a"}, "owner"),
        ({"metadata.": "a"}, "metadata"),
        ({"metadata.room": "a" * 201}, "metadata"),
        ({f"metadata.{n}": "a" for n in range(6)}, "metadata"),
        ({"metadata": "a"}, "metadata"),
    ],
)
async def test_bad_queries_are_refused_with_their_field(
    api: ApiClient, query: dict[str, str], field: str
) -> None:
    answer = await listed(api, **query)
    assert error_of(answer) == (400, "VALIDATION_ERROR")
    assert [*details_of(answer)] == [field]


async def test_hosts_see_their_own_sessions_and_services_those_of_their_tenant(
    guarded_url: str,
) -> None:
    tenant, ada, bob = f"t{uuid4().hex}", f"ada-{uuid4()}", f"bob-{uuid4()}"
    async with (
        api_client(guarded_url, tokens.host(ada, tenant=tenant)) as as_ada,
        api_client(guarded_url, tokens.host(bob, tenant=tenant)) as as_bob,
        api_client(guarded_url, tokens.host(ada)) as elsewhere,
        api_client(guarded_url, tokens.service(tenant=tenant)) as service,
    ):
        of_ada, of_bob = await as_ada.created(chess()), await as_bob.created(chess())
        of_service = await service.created(chess())
        assert await ids(as_ada) == await ids(as_ada, owner=ada) == [of_ada]
        assert await ids(elsewhere) == []
        assert [*forbidden_fields_of(await listed(as_ada, owner=bob))] == ["owner"]
        assert await ids(service) == [of_service, of_bob, of_ada]
        assert await ids(service, owner=bob) == [of_bob]
        assert [one["owner"] for one in await found(service)] == [None, bob, ada]


async def test_participants_and_spectators_have_no_list(
    guarded: ApiClient, guarded_url: str
) -> None:
    body = chess()
    session_id = await guarded.created(body)
    player = tokens.participant(session_id, body["participants"][0]["participant_id"])
    for token, role in ((player, "participant"), (tokens.spectator(session_id), "spectator")):
        async with api_client(guarded_url, token) as other:
            answer = await listed(other)
            assert error_of(answer) == (403, "FORBIDDEN")
            message = answer.json()["error"]["message"]
            assert message == f"A {role} can't do that: list sessions"


async def test_a_deleted_session_leaves_the_list_at_once(host: ApiClient) -> None:
    """The trail may still have it when the deletion is answered."""
    kept, deleted = await host.created(chess()), await host.created(chess())
    await host.audited(deleted, 1)
    await host.delete(deleted)
    assert await ids(host) == [kept]


async def test_a_session_that_the_store_forgot_is_listed_from_the_trail(
    api: ApiClient, redis_url: str
) -> None:
    """So is one of an earlier release, which the store's lists don't have."""
    room = str(uuid4())
    names = [await api.started(chess(metadata={"room": room})) for _ in range(3)]
    for name in names:
        await api.audited(name, 2)
    keys, query = StoreKeys(), {"metadata.room": room, "limit": "1"}
    redis = Redis.from_url(redis_url)
    await redis.delete(keys.session(names[1]))
    assert await ids(api, **query) == names[::-1]
    await redis.aclose()


async def test_a_deletion_removes_a_session_that_only_the_trail_has(
    api: ApiClient, redis_url: str
) -> None:
    room = str(uuid4())
    name, query = await api.started(chess(metadata={"room": room})), {"metadata.room": room}
    await api.do(name, "cancel")
    await api.audited(name, 3)
    redis, key = Redis.from_url(redis_url), StoreKeys().session(name)
    await redis.delete(key)
    assert (await api.http.delete(f"/v1/sessions/{name}?dry_run=true")).status_code == 204
    assert (await api.get(name)).status_code == 404
    assert await ids(api, **query) == [name]
    await api.delete(name)
    assert await ids(api, **query) == []
    await api.audited(name, 4)
    await redis.delete(key)
    assert await ids(api, **query) == []
    await redis.aclose()


async def test_a_page_ends_before_its_answer_becomes_large(host: ApiClient) -> None:
    wanted = await host.created(chess(metadata={"room": "a"}))
    large = {"room": "b", "text": "x" * 8_000}
    others = [await host.created(chess(metadata=large)) for _ in range(40)]
    page = (await listed(host, limit=100)).json()["data"]
    assert 30 < len(page["sessions"]) < 41
    assert await ids(host, limit=100) == [*others[::-1], wanted]
    assert await ids(host, **{"metadata.room": "a"}) == [wanted]

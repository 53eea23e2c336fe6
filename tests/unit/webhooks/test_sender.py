"""The sender connects only to checked addresses, follows no redirect, and is bounded in time."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from infra.local.ports import free_port
from infra.local.redis_tls import make_certificates
from shared.webhooks.addresses import IPAddress, parse_address
from shared.webhooks.sender import CheckedSender
from tests.support.webhook_receiver import HANG, webhook_receiver

CERTIFICATES = ssl.create_default_context()


class Names:
    """A resolver: the addresses that each name has now, and the names that were asked for."""

    def __init__(self, *answers: str) -> None:
        self.asked: list[str] = []
        self._answers: Iterator[str] = iter(answers)

    def __call__(self, host: str, port: int) -> list[IPAddress]:
        self.asked.append(host)
        return [parse_address(text) for text in next(self._answers).split()]


@asynccontextmanager
async def sender(
    names: Names | None = None, *, local: bool = True, timeout_s: float = 30
) -> AsyncIterator[CheckedSender]:
    options = {} if names is None else {"resolver": names}
    sends = CheckedSender(CERTIFICATES, allows_loopback=local, timeout_s=timeout_s, **options)
    yield sends
    await sends.close()


async def test_a_request_has_the_url_the_headers_and_the_body() -> None:
    async with webhook_receiver([202]) as receiver, sender() as sends:
        result = await sends.send(f"{receiver.url}?x=1", {"webhook-id": "m"}, b'{"a":1}')
        (request,) = receiver.requests
    assert (result.status, result.reason, result.is_accepted) == (202, None, True)
    assert (request.path, request.body) == ("/hooks?x=1", b'{"a":1}')
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == "m"


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    names = Names("127.0.0.1", "169.254.169.254")
    async with webhook_receiver() as receiver, sender(names) as sends:
        first = await sends.send(f"http://receiver.test:{receiver.port}/", {}, b"")
        rebound = await sends.send(f"http://receiver.test:{receiver.port}/", {}, b"")
        assert receiver.requests[0].headers["host"] == f"receiver.test:{receiver.port}"
        assert len(receiver.requests) == 1
    assert first.is_accepted
    assert rebound.reason == "the host's address is not public"
    assert names.asked == ["receiver.test"] * 2


@pytest.mark.parametrize(
    "addresses", ["10.0.0.1", "1.1.1.1 10.0.0.1", "169.254.169.254", "::ffff:1.1.1.1", "127.0.0.1"]
)
async def test_a_name_with_any_address_that_is_not_public_is_refused(addresses: str) -> None:
    async with sender(Names(addresses), local=False) as sends:
        result = await sends.send("https://receiver.test/", {}, b"")
    assert (result.status, result.reason) == (None, "the host's address is not public")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"])
async def test_no_form_of_this_machine_is_reached_in_production(host: str) -> None:
    async with webhook_receiver() as receiver, sender(local=False) as sends:
        result = await sends.send(f"https://{host}:{receiver.port}/", {}, b"")
        assert receiver.requests == []
    assert result.status is None


async def test_http_reaches_only_this_machine() -> None:
    async with sender(Names("1.1.1.1")) as sends:
        result = await sends.send("http://receiver.test/", {}, b"")
    assert result.reason == "the host's address is not public"


async def test_http_is_refused_in_production() -> None:
    async with sender(local=False) as sends:
        result = await sends.send("http://127.0.0.1/", {}, b"")
    assert result.reason == "the URL isn't allowed any more"


async def test_a_redirect_is_not_followed() -> None:
    names = Names("127.0.0.1")
    async with webhook_receiver([302]) as receiver, sender(names) as sends:
        result = await sends.send(f"http://receiver.test:{receiver.port}/", {}, b"")
    assert (result.status, result.reason) == (302, "redirects aren't followed")
    assert names.asked == ["receiver.test"]


async def test_a_receiver_that_hangs_is_left() -> None:
    async with webhook_receiver([HANG]) as receiver, sender(timeout_s=0.2) as sends:
        result = await sends.send(receiver.url, {}, b"")
    assert (result.status, result.reason) == (None, "no response within 0.2 s")


async def test_an_endless_header_is_left() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n")
        try:
            while True:
                writer.write(b"x: " + b"y" * 1000 + b"\r\n")
                await writer.drain()
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, sender() as sends:
        result = await sends.send(f"http://127.0.0.1:{port}/", {}, b"")
    assert (result.status, result.reason) == (None, "the connection broke before the response")


async def test_an_endless_body_is_not_read() -> None:
    closed = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n")
        try:
            while True:
                writer.write(b"y" * 65536)
                await writer.drain()
        except ConnectionError:
            closed.set()
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, sender() as sends:
        result = await sends.send(f"http://127.0.0.1:{port}/", {}, b"")
        await closed.wait()
    assert result.status == 200


async def test_a_closed_port_is_no_connection() -> None:
    async with sender() as sends:
        result = await sends.send(f"http://127.0.0.1:{free_port()}/", {}, b"")
    assert (result.status, result.reason) == (None, "no connection")


async def test_https_checks_the_certificate_of_the_name_not_of_the_address(tmp_path: Path) -> None:
    server_side = make_certificates(tmp_path)
    trusted = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    sends = CheckedSender(trusted, allows_loopback=True, resolver=Names("127.0.0.1", "127.0.0.1"))
    async with webhook_receiver(tls=server_side) as receiver:
        own = await sends.send(f"https://127.0.0.1:{receiver.port}/", {}, b"")
        other = await sends.send(f"https://receiver.test:{receiver.port}/", {}, b"")
    await sends.close()
    assert (own.status, own.reason) == (204, None)
    assert (other.status, other.reason) == (None, "TLS failed")


async def test_a_closed_sender_can_be_used_again() -> None:
    async with webhook_receiver() as receiver, sender() as sends:
        for _ in range(2):
            assert (await sends.send(receiver.url, {}, b"")).is_accepted
            await sends.close()

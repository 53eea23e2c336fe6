"""Opens a connection to one server and logs in."""

import asyncio
import socket
from collections.abc import Sequence
from functools import partial

from hiredis import ReplyError

from shared.store.connection import Command, Reply
from shared.store.redis.address import RedisAddress, ServerAddress, Tls
from shared.store.redis.encoding import pack
from shared.store.redis.error_replies import ErrorKind, error_kind
from shared.store.redis.pipeline import PipelinedConnection

_NAME = "synckairos"


class ServerRefused(Exception):
    """The server answers, but can't be used: it refuses the login or has the wrong role."""


async def open_connection(address: RedisAddress, endpoint: ServerAddress) -> PipelinedConnection:
    """Connect to `endpoint`, log in, and check that the server serves commands.

    The host name is resolved again. Raises `OSError` if the server can't be reached, `TimeoutError`
    (a subclass) if it doesn't answer within the `timeouts` of `address`, and `ServerRefused`.
    """
    async with asyncio.timeout(address.timeouts.connect_s):
        link = await _connected(address, endpoint)
    link.endpoint = endpoint
    try:
        async with asyncio.timeout(address.timeouts.reply_s):
            await _log_in(link, address)
    except BaseException:
        await link.close()
        raise
    return link


async def _connected(address: RedisAddress, endpoint: ServerAddress) -> PipelinedConnection:
    loop = asyncio.get_running_loop()
    new_link = partial(PipelinedConnection, address.timeouts.reply_s)
    if endpoint.path:
        _, link = await loop.create_unix_connection(new_link, endpoint.path)
        return link
    transport, link = await loop.create_connection(new_link, endpoint.host, endpoint.port)
    try:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if address.tls:
            link.connection_made(await _encrypted(transport, link, address.tls, endpoint.host))
    except BaseException:
        # `close` would wait until the server closes its side too, up to 30 s with TLS.
        transport.abort()
        raise
    return link


async def _encrypted(
    transport: asyncio.Transport, link: PipelinedConnection, tls: Tls, host: str
) -> asyncio.Transport:
    """Start TLS on the connection, and check the certificate of `host`."""
    if not transport.is_closing():  # otherwise the handshake would wait for its timeout
        encrypted = await asyncio.get_running_loop().start_tls(
            transport, link, tls.context, server_hostname=host
        )
        if encrypted:
            return encrypted
    raise ConnectionResetError("the server closed the connection before the TLS handshake")


async def _log_in(link: PipelinedConnection, address: RedisAddress) -> None:
    """Log in, and send `PING`, which a server refuses if it serves no commands."""
    name = address.client_name or _NAME
    login = address.login
    hello: list[str | int] = ["HELLO", 2]
    if login.password is not None:
        hello += ["AUTH", login.username or "default", login.password]
    hello += ["SETNAME", name]
    selecting: list[Command] = [("SELECT", address.database)] if address.database else []
    greeting, *others = await send_commands(link, [hello, *selecting, ("PING",)])
    if isinstance(greeting, ReplyError) and not str(greeting).startswith("WRONGPASS"):
        _, *others = await send_commands(link, [*_old_login(address, name), *selecting, ("PING",)])
        greeting = []
    for reply in (greeting, *others):
        _check(reply)
    properties = dict(zip(greeting[::2], greeting[1::2], strict=False))
    link.mode = properties.get(b"mode", b"standalone").decode()
    if link.mode == "sentinel":
        raise ServerRefused("this is a Sentinel: write REDIS_URL=redis+sentinel://host:26379/name")


async def send_commands(link: PipelinedConnection, commands: Sequence[Command]) -> list[Reply]:
    """Return the replies to `commands`, including error replies."""
    return await link.send(b"".join(map(pack, commands)), len(commands))


def _old_login(address: RedisAddress, name: str) -> list[Command]:
    """Return the login commands for servers and proxies that don't know `HELLO`."""
    login = address.login
    commands: list[Command] = []
    if login.password is not None:
        named = (login.username,) if login.username else ()
        commands.append(("AUTH", *named, login.password))
    return [*commands, ("CLIENT", "SETNAME", name)]


def _check(reply: Reply) -> None:
    if not isinstance(reply, ReplyError):
        return
    error = str(reply)
    if error.startswith("NOPERM") or error_kind(reply) is ErrorKind.REFUSES_CHANGES:
        return  # reads are still possible
    if error.lower().startswith("err unknown"):
        return  # a proxy that doesn't know PING or CLIENT
    raise ServerRefused(error)

"""Opens connections only to addresses that were checked after their name was resolved."""

import asyncio
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import Executor

import httpcore

from shared.webhooks.addresses import IPAddress, parse_address

_MOST_ADDRESSES = 4
"""Addresses of one name that are tried."""

Resolver = Callable[[str, int], list[IPAddress]]


class AddressRefused(Exception):
    """The name has an address that must not be connected to."""


def resolve(host: str, port: int) -> list[IPAddress]:
    """Return the addresses of `host`, as the system's resolver orders them. Raises `OSError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(parse_address(str(address[0])) for *_, address in found))


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a name once, checks all of its addresses, and connects to one of these.

    So no second resolution can name another address (DNS rebinding). The resolver runs in
    `threads`, because a slow name server blocks its thread.
    """

    def __init__(
        self,
        is_allowed: Callable[[IPAddress], bool],
        threads: Executor,
        resolver: Resolver = resolve,
    ) -> None:
        self._is_allowed = is_allowed
        self._threads = threads
        self._resolver = resolver
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of `host` that answers.

        Raises `AddressRefused` if any of its addresses isn't allowed, and `httpcore.ConnectError`.
        """
        for address in await self._addresses(host, port):
            try:
                return await self._network.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except httpcore.ConnectError:
                continue
        raise httpcore.ConnectError(f"no address of {host} answers")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raise `AddressRefused`: a webhook has no socket in the file system."""
        raise AddressRefused(path)

    async def sleep(self, seconds: float) -> None:
        """Wait, for httpcore."""
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> list[IPAddress]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, self._resolver, host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} has no address") from error
        if not all(map(self._is_allowed, found)):
            raise AddressRefused(host)
        return found[:_MOST_ADDRESSES]

"""`StoreConnection` over Redis's native protocol, for every kind of setup."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from functools import partial
from typing import Any

from shared.store.connection import (
    Arguments,
    Command,
    GroupOutcome,
    OptionalScript,
    Reply,
    Script,
    StoreConnection,
)
from shared.store.redis.address import RedisAddress, ServerAddress
from shared.store.redis.cluster import ClusterConnection
from shared.store.redis.handshake import ServerRefused, open_connection
from shared.store.redis.node import Node
from shared.store.redis.pipeline import PipelinedConnection
from shared.store.redis.sentinel import open_primary, primary_finder
from shared.store.redis.single import SingleServerConnection
from shared.store.redis.subscriber import MessageHandler, Subscriber
from shared.store.redis.topology import Topology


class NativeConnection:
    """`StoreConnection` to any Redis from 6.2 on, Valkey included.

    The first server that answers tells whether it is a cluster. Raises `ValueError` for an invalid
    address or certificates that can't be read.
    """

    def __init__(self, address: RedisAddress | str) -> None:
        self._address = RedisAddress.of(address) if isinstance(address, str) else address
        self._tls = self._address.tls and self._address.tls.context
        self._find_primary = primary_finder(self._address)
        self._entry = self._node(self._open, self._address)
        self._inner: StoreConnection | None = None
        self._topology: Topology | None = None
        self._subscribed_at: ServerAddress | None = None

    def ask(self, commands: Sequence[Command | OptionalScript]) -> Coroutine[Any, Any, list[Reply]]:
        return self._inner.ask(commands) if self._inner else self._first_ask(commands)

    async def execute_groups(self, groups: Sequence[Sequence[Command]]) -> list[GroupOutcome]:
        return await (self._inner or await self._known()).execute_groups(groups)

    def run(
        self, script: Script, keys: Sequence[str], arguments: Arguments
    ) -> Coroutine[Any, Any, Reply]:
        inner = self._inner
        return (
            inner.run(script, keys, arguments)
            if inner
            else self._first_run(script, keys, arguments)
        )

    def route(self, key: str) -> Hashable | None:
        return self._inner.route(key) if self._inner else None

    async def close(self) -> None:
        if self._topology:
            await self._topology.close()
        await self._entry.close()
        for _ in range(2):  # aborted sockets are closed in the next iterations of the loop
            await asyncio.sleep(0)

    async def subscriber(self, handler: MessageHandler) -> Subscriber:
        """Open a pub/sub connection to a server that receives all published messages.

        That is the primary, or a node of the cluster, another one each time. Messages go to
        `handler`. Raises `OSError`, `TimeoutError` and `ServerRefused` as `open_connection` does.
        """
        self._subscribed_at = await self._endpoint()
        return Subscriber(await open_connection(self._address, self._subscribed_at), handler)

    def set_change_callback(self, call: Callable[[], None]) -> None:
        """Call `call` for each new connection, which may be to another server than the last."""
        self._entry.on_change = call

    async def publish(self, channel: str) -> None:
        """Publish an empty message. Raises `StoreUnavailable`."""
        await self.ask([("PUBLISH", channel, b"")])

    async def _first_ask(self, commands: Sequence[Command | OptionalScript]) -> list[Reply]:
        return await (await self._known()).ask(commands)

    async def _first_run(self, script: Script, keys: Sequence[str], arguments: Arguments) -> Reply:
        return await (await self._known()).run(script, keys, arguments)

    async def _endpoint(self) -> ServerAddress:
        if self._address.primary_name:
            return await self._find_primary()
        if self._topology and (node := self._topology.any_endpoint(but=self._subscribed_at)):
            return node
        return random.choice(self._address.endpoints)

    async def _known(self) -> StoreConnection:
        """Connect, and return the connection that fits the server: cluster or single."""
        link = await self._entry.connected()
        if self._inner is None:
            if link.mode == "cluster":
                self._topology = Topology(self._entry, self._node_at)
                self._inner = ClusterConnection(self._topology)
            else:
                self._inner = SingleServerConnection(self._entry)
        return self._inner

    async def _open(self) -> PipelinedConnection:
        """Open a connection to the address; host names are resolved again."""
        if self._address.primary_name:
            link = await open_primary(self._address, self._find_primary)
        else:
            link = await self._open_any()
        if self._inner and self._topology is None and link.mode == "cluster":
            self._inner = None
        return link

    def _node_at(self, endpoint: ServerAddress) -> Node:
        return self._node(partial(open_connection, self._address, endpoint), endpoint)

    def _node(self, open_link: Callable[[], Awaitable[PipelinedConnection]], place: object) -> Node:
        return Node(open_link, f"Redis at {place}", self._address.timeouts.ready_s)

    async def _open_any(self) -> PipelinedConnection:
        """Open a connection to the first endpoint that accepts the login, in random order."""
        failure: Exception | None = None
        for endpoint in random.sample(self._address.endpoints, len(self._address.endpoints)):
            try:
                return await self._open_one(endpoint)
            except Exception as error:
                failure = error
        assert failure
        raise failure

    async def _open_one(self, endpoint: ServerAddress) -> PipelinedConnection:
        link = await open_connection(self._address, endpoint)
        if len(self._address.endpoints) > 1 and link.mode != "cluster":
            # Instances would choose different servers, and sessions would be split between those.
            await link.close()
            raise ServerRefused(
                f"REDIS_URL names several hosts, but {endpoint} is not part of a cluster"
            )
        return link

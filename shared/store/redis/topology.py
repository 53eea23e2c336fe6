"""The nodes of a cluster and the slots that each owns."""

import asyncio
import logging
import random
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from hiredis import ReplyError

from shared.application.errors import StoreUnavailable
from shared.store.connection import Reply
from shared.store.redis.address import ServerAddress
from shared.store.redis.encoding import pack
from shared.store.redis.node import Node
from shared.store.redis.slots import SLOTS, slot_of

_REFRESH_AFTER_S = 0.1
"""Shortest interval between two refreshes."""

_REFRESH_WHILE_DOWN_S = 0.25
"""Refresh interval while a node is down, to find its successor even without requests."""

_FIRST_SHARD = slot_of("{s0}")
_ANSWER_S = 0.3
_MOST_ASKED = 4

_CLUSTER_SLOTS = pack(("CLUSTER", "SLOTS"))

_log = logging.getLogger("synckairos.redis")


@dataclass(frozen=True, slots=True)
class SlotRange:
    """Slots from `first` to `last`, both included, and their owner."""

    first: int
    last: int
    owner: ServerAddress


class Topology:
    """Map of slots to nodes, read from the nodes themselves, at first from `entry`.

    `make_node` creates the `Node` for an endpoint.
    """

    def __init__(self, entry: Node, make_node: Callable[[ServerAddress], Node]) -> None:
        self._entry = entry
        self._make_node = make_node
        self._nodes: dict[ServerAddress, Node] = {}
        self._owners: list[ServerAddress | None] = [None] * SLOTS
        self._changes = 0
        self._refreshing: asyncio.Task[None] | None = None
        self._refreshed_at = float("-inf")
        self._next_refresh: asyncio.TimerHandle | None = None
        self._is_closed = False

    async def owner(self, slot: int) -> ServerAddress:
        """Return the node that owns `slot`. Raises `StoreUnavailable` if no node does."""
        owner = self._owners[slot]
        if owner is None:
            await self.wait_refreshed()
            owner = self._owners[slot]
        if owner is None:
            raise StoreUnavailable
        return owner

    def node(self, endpoint: ServerAddress) -> Node:
        """Return the `Node` for `endpoint`, creating it if needed."""
        node = self._nodes.get(endpoint)
        if node is None:
            self._nodes[endpoint] = node = self._make_node(endpoint)
        return node

    def route(self, slot: int) -> Hashable | None:
        """Return the number of the connection to the owner of `slot` and of the slot map.

        One of them changes whenever a slot gets another owner. None while the owner isn't
        connected.
        """
        owner = self._owners[slot]
        link = self._nodes[owner].link if owner in self._nodes else None
        return link and (link.number, self._changes)

    def any_endpoint(self, but: ServerAddress | None) -> ServerAddress | None:
        """Return a random node other than `but`, preferably a connected one.

        Returns `but` if there is no other.
        """
        connected = [endpoint for endpoint, node in self._nodes.items() if node.link]
        up = [endpoint for endpoint, node in self._nodes.items() if not node.is_down]
        for known in (connected, up, list(self._nodes)):
            if others := [endpoint for endpoint in known if endpoint != but]:
                return random.choice(others)
        return but

    def any_slot(self) -> int:
        """Return the slot of the first shard, because instances follow the clock of its node.

        If that node is down, return a slot of a connected node, or of one not known to be down.
        """
        owner = self._owners[_FIRST_SHARD]
        if not self._nodes or (owner in self._nodes and not self._nodes[owner].is_down):
            return _FIRST_SHARD
        up = [endpoint for endpoint, node in self._nodes.items() if not node.is_down]
        connected = [endpoint for endpoint in up if self._nodes[endpoint].link]
        for endpoint in (*connected, *up):
            if endpoint in self._owners:
                return self._owners.index(endpoint)
        return 0

    def moved(self, slot: int, owner: ServerAddress) -> None:
        """Set the owner of `slot` after a `MOVED`, and refresh the other owners."""
        self._owners[slot] = owner
        self._changes += 1
        self.refresh()

    def refresh(self) -> "asyncio.Task[None] | None":
        """Start to read the slot map, unless it was read less than 0.1 s ago."""
        now = asyncio.get_running_loop().time()
        is_due = now - self._refreshed_at >= _REFRESH_AFTER_S
        if self._refreshing is None and is_due and not self._is_closed:
            self._refreshing = asyncio.create_task(self._refresh())
        return self._refreshing

    async def wait_refreshed(self) -> None:
        """Refresh if it is due, and wait for a running refresh."""
        if task := self.refresh():
            await asyncio.shield(task)

    async def close(self) -> None:
        """Close the connections to all nodes."""
        self._is_closed = True
        if self._next_refresh:
            self._next_refresh.cancel()
        if self._refreshing:
            self._refreshing.cancel()
            with suppress(asyncio.CancelledError):
                await self._refreshing
        await asyncio.gather(*(node.close() for node in self._nodes.values()))

    async def _refresh(self) -> None:
        try:
            if best := await self._best_answer():
                self._apply(best)
        except Exception:
            _log.exception("the cluster's slot map could not be read")
        finally:
            loop = asyncio.get_running_loop()
            self._refreshed_at = loop.time()
            self._refreshing = None
            if self._next_refresh:
                self._next_refresh.cancel()
            if self._has_gaps() and not self._is_closed:
                self._next_refresh = loop.call_later(_REFRESH_WHILE_DOWN_S, self.refresh)

    async def _best_answer(self) -> list[SlotRange] | None:
        """Ask some nodes, and return the map that assigns the most slots to reachable nodes.

        A node that is cut off from the others may return an outdated map.
        """
        connected = [node for node in self._nodes.values() if node.link]
        random.shuffle(connected)
        best: list[SlotRange] | None = None
        most = -1
        for node in [*connected[:_MOST_ASKED], self._entry]:
            with suppress(StoreUnavailable, TimeoutError):
                async with asyncio.timeout(_ANSWER_S):
                    link, (reply,) = await node.send(_CLUSTER_SLOTS, 1)
                if isinstance(reply, ReplyError):
                    continue
                ranges = parse_slots(reply, link.endpoint)
                served = sum(r.last - r.first + 1 for r in ranges if not self._is_down(r.owner))
                if served > most:
                    best, most = ranges, served
                if served == SLOTS:
                    break
        return best

    def _apply(self, ranges: Sequence[SlotRange]) -> None:
        owners: list[ServerAddress | None] = [None] * SLOTS
        for each in ranges:
            owners[each.first : each.last + 1] = [each.owner] * (each.last - each.first + 1)
        if owners != self._owners:
            self._changes += 1
        self._owners = owners
        wanted = {each.owner for each in ranges}
        for endpoint in set(self._nodes) - wanted:
            self._nodes.pop(endpoint).close_when_idle()
        for endpoint in wanted:
            self.node(endpoint)

    def _is_down(self, endpoint: ServerAddress) -> bool:
        node = self._nodes.get(endpoint)
        return node is not None and node.is_down

    def _has_gaps(self) -> bool:
        return None in self._owners or any(node.is_down for node in self._nodes.values())


def parse_slots(reply: Reply, asked: ServerAddress) -> list[SlotRange]:
    """Parse a reply to `CLUSTER SLOTS`. The node `asked` may not know its own address."""
    return [
        SlotRange(int(first), int(last), _endpoint(primary, asked))
        for first, last, primary, *_ in reply
    ]


def parse_redirection(error: str, asked: ServerAddress) -> ServerAddress:
    """Parse the target of `MOVED 3999 127.0.0.1:6381` or `ASK ...`; it may lack the host."""
    host, _, port = error.split()[2].rpartition(":")
    return ServerAddress(host.strip("[]") or asked.host, int(port))


def _endpoint(node: Sequence[Reply], asked: ServerAddress) -> ServerAddress:
    host = (node[0] or b"").decode()
    return ServerAddress(asked.host if host in ("", "?") else host, int(node[1]))

"""`StoreConnection` to a Redis Cluster, which sends each command to the owner of its key's slot."""

import asyncio
from collections.abc import AsyncIterator, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

from hiredis import ReplyError

from shared.application.errors import StoreUnavailable
from shared.store.connection import (
    Arguments,
    Command,
    GroupOutcome,
    OptionalScript,
    Reply,
    Script,
)
from shared.store.redis.address import ServerAddress
from shared.store.redis.encoding import (
    as_unavailable,
    check_replies,
    pack,
    pack_any,
    pack_script,
    pack_whole_script,
)
from shared.store.redis.error_replies import ErrorKind, error_kind
from shared.store.redis.node import Node
from shared.store.redis.pipeline import PipelinedConnection
from shared.store.redis.slots import slot_of, slot_of_command, slots_of_commands
from shared.store.redis.topology import Topology, parse_redirection

_TRIES_FOR_S = 0.8
"""How long a command is repeated while its slot moves to another node."""

_PAUSES_S = (0.0, 0.0, 0.01, 0.03, 0.1)
_LONGEST_PAUSE_S = 0.2

_LATE_GROUPS_S = 0.2
"""How long `execute_groups` waits for the other groups after the first one is answered."""

_ASKING = pack(("ASKING",))


@dataclass(slots=True)
class _Sent:
    """The replies to a request, and the node and link that sent them."""

    node: Node
    link: PipelinedConnection
    replies: list[Reply]


class ClusterConnection:
    """Commands to the nodes of a cluster, routed by its `topology`.

    All keys of one script must share a slot. A command without a key (`TIME`) goes to the node of
    the command before it and is answered after it. If a node can't be reached, only the commands
    for its slots fail.
    """

    def __init__(self, topology: Topology) -> None:
        self._topology = topology

    async def ask(self, commands: Sequence[Command | OptionalScript]) -> list[Reply]:
        return check_replies(commands, await self._replies(commands))

    async def execute_groups(self, groups: Sequence[Sequence[Command]]) -> list[GroupOutcome]:
        """See `StoreConnection`.

        A group answered more than 0.2 s after the first one has failed.
        """
        tasks = [asyncio.ensure_future(self.ask(group)) for group in groups]
        try:
            _, late = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if late:
                await asyncio.wait(late, timeout=_LATE_GROUPS_S)
        finally:
            for task in tasks:
                task.cancel()
        outcomes = [_outcome(task) for task in tasks]
        outages = [one for one in outcomes if isinstance(one, StoreUnavailable)]
        if outages and len(outages) == len(outcomes):
            raise outages[0]
        return outcomes

    async def run(self, script: Script, keys: Sequence[str], arguments: Arguments) -> Reply:
        slot = slot_of(keys[0]) if keys else 0
        reply = await self._run(slot, pack_script(script, keys, arguments))
        if type(reply) is ReplyError and error_kind(reply) is ErrorKind.UNKNOWN_SCRIPT:
            reply = await self._run(slot, pack_whole_script(script, keys, arguments))
        if type(reply) is ReplyError:
            raise as_unavailable(reply)
        return reply

    def route(self, key: str) -> Hashable | None:
        return self._topology.route(slot_of(key))

    async def close(self) -> None:
        await self._topology.close()

    async def _run(self, slot: int, data: bytes) -> Reply:
        sent = await self._send(slot, data, 1)
        if type(sent.replies[0]) is ReplyError:
            sent = await self._retry_elsewhere(slot, data, sent.node, sent.link, sent.replies[0])
        return sent.replies[0]

    async def _replies(self, commands: Sequence[Command | OptionalScript]) -> list[Reply]:
        """Return the replies in order, including errors: `StoreUnavailable` if a node is down."""
        slots = slots_of_commands(commands, self._topology.any_slot)
        by_node: dict[ServerAddress, list[int]] = {}
        for place, slot in enumerate(slots):
            by_node.setdefault(await self._topology.owner(slot), []).append(place)
        packed = [pack_any(command) for command in commands]
        exchanges = [self._exchange(commands, slots, packed, places) for places in by_node.values()]
        if len(exchanges) == 1:
            return await exchanges[0]
        replies: list[Reply] = [None] * len(commands)
        parts = await asyncio.gather(*exchanges)
        for places, part in zip(by_node.values(), parts, strict=True):
            for place, reply in zip(places, part, strict=True):
                replies[place] = reply
        return replies

    async def _exchange(
        self,
        commands: Sequence[Command | OptionalScript],
        slots: Sequence[int],
        packed: Sequence[bytes],
        places: Sequence[int],
    ) -> list[Reply]:
        """Return the replies to the commands at the indexes `places`, which share a node."""
        try:
            sent = await self._send(
                slots[places[0]], b"".join([packed[place] for place in places]), len(places)
            )
        except StoreUnavailable as outage:
            return [outage] * len(places)
        if not any(type(reply) is ReplyError for reply in sent.replies):
            return sent.replies
        return [
            reply
            async for reply in self._with_retries(
                sent, ((commands[place], slots[place], packed[place]) for place in places)
            )
        ]

    async def _with_retries(
        self, sent: _Sent, parts: Iterable[tuple[Command | OptionalScript, int, bytes]]
    ) -> AsyncIterator[Reply]:
        """Yield the replies, repeating failed commands one by one, because this is rare."""
        node = sent.node
        for reply, (command, slot, data) in zip(sent.replies, parts, strict=True):
            has_key = slot_of_command(command) is not None
            try:
                if not has_key and node is not sent.node:
                    _, (reply,) = await node.send(data, 1)
                elif type(reply) is ReplyError:
                    found = await self._retry_elsewhere(slot, data, sent.node, sent.link, reply)
                    reply = found.replies[0]
                    node = found.node
                    if isinstance(command, OptionalScript) and _is_unknown(reply):
                        whole = command.as_command(command.script.text)
                        reply = await self._run(slot, pack(whole))
                elif has_key:
                    node = sent.node
            except StoreUnavailable as outage:
                reply = outage
            yield reply

    async def _send(self, slot: int, data: bytes, count: int) -> _Sent:
        """Send to the owner of `slot`; if that fails, to its successor if there is one."""
        topology = self._topology
        owner = await topology.owner(slot)
        node = topology.node(owner)
        try:
            link, replies = await node.send(data, count)
        except StoreUnavailable:
            await topology.wait_refreshed()
            successor = await topology.owner(slot)
            if successor == owner:
                raise
            node = topology.node(successor)
            link, replies = await node.send(data, count)
        return _Sent(node, link, replies)

    async def _retry_elsewhere(
        self, slot: int, data: bytes, node: Node, link: PipelinedConnection, reply: ReplyError
    ) -> _Sent:
        """Repeat a request until the slot's present owner answers it, for 0.8 s at most."""
        give_up = asyncio.get_running_loop().time() + _TRIES_FOR_S
        sent = _Sent(node, link, [reply])
        for pause_s in chain(_PAUSES_S, repeat(_LONGEST_PAUSE_S)):
            reply = sent.replies[-1]
            sent.replies = [reply]
            if type(reply) is not ReplyError:
                return sent
            state = error_kind(reply)
            if state in (ErrorKind.FAULT, ErrorKind.UNKNOWN_SCRIPT):
                return sent
            if asyncio.get_running_loop().time() > give_up:
                return sent
            await asyncio.sleep(pause_s)
            if state in (ErrorKind.SERVES_NOTHING, ErrorKind.REFUSES_CHANGES):
                self._leave(sent, reply, state)
                owner = await self._topology.owner(slot)
                await self._topology.wait_refreshed()
                if await self._topology.owner(slot) == owner:
                    return sent
            elif state is ErrorKind.ELSEWHERE:
                target = parse_redirection(str(reply), sent.link.endpoint)
                if str(reply).startswith("ASK"):
                    target_node = self._topology.node(target)
                    target_link, replies = await target_node.send(_ASKING + data, 2)
                    sent = _Sent(target_node, target_link, replies)
                    continue
                self._topology.moved(slot, target)
            sent = await self._send(slot, data, 1)
        raise AssertionError  # the pauses never end

    def _leave(self, sent: _Sent, reply: ReplyError, state: ErrorKind) -> None:
        """Don't use a node that serves nothing until it does again. `CLUSTERDOWN` is no reason: it
        may mean that only this slot has no owner."""
        if state is ErrorKind.SERVES_NOTHING and not str(reply).startswith("CLUSTERDOWN"):
            sent.node.leave(sent.link, reply, serves=False)


def _is_unknown(reply: Reply) -> bool:
    return type(reply) is ReplyError and error_kind(reply) is ErrorKind.UNKNOWN_SCRIPT


def _outcome(task: "asyncio.Future[list[Reply]]") -> GroupOutcome:
    if not task.done():
        return as_unavailable(TimeoutError("this part of the cluster didn't answer in time"))
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, StoreUnavailable):
        return error
    raise error

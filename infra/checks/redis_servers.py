"""What `check-redis` asks single servers: the nodes of a cluster, Sentinels, a primary."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from hiredis import ReplyError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from infra.checks.checking import Check, Unsound
from shared.errors import StoreUnavailable
from shared.store.connection import Command, Reply
from shared.store.keys import Keys
from shared.store.redis import NativeConnection, RedisAddress
from shared.store.redis.address import Endpoint
from shared.store.redis.handshake import Refused, asked, open_link
from shared.store.redis.sentinel import primary_finder
from shared.store.redis.slots import SLOTS, slot_of
from shared.store.redis.timeouts import DEFAULT

_LASTS_MS = 30_000
_MOST_NAMED = 5

Explain = Callable[[Exception], str]


class Servers:
    """The servers behind `address`, each asked for itself; `explain` words an exception."""

    def __init__(
        self, address: RedisAddress, keys: Keys, connection: NativeConnection, explain: Explain
    ) -> None:
        self._address = address
        self._keys = keys
        self._connection = connection
        self._explain = explain

    async def checks(self) -> list[Check]:
        """Whether every shard answers, and whether a server may die."""
        checks = [Check("shards", self._shards)]
        if self._address.primary_name:
            checks.append(Check("sentinel", self._sentinel))
        elif await self._is_cluster():
            checks.append(Check("cluster", self._cluster))
        return checks

    async def each(self, judged: Callable[[str], str]) -> str:
        """What `judged` makes of the INFO of each primary. Raises `Unsound`, naming the server."""
        primaries = await self._primaries()
        said = {}
        for endpoint in primaries:
            (info,) = await self._asked(endpoint, ("INFO",))
            try:
                said[endpoint] = judged(info)
            except Unsound as fault:
                where = f"{endpoint}: " if len(primaries) > 1 else ""
                raise Unsound(f"{where}{fault}") from None
        if len(said) == 1:
            return next(iter(said.values()))
        return "; ".join(f"{endpoint}: {one}" for endpoint, one in said.items())

    async def _shards(self) -> str:
        name = f"check:{uuid4()}"
        shards = self._keys.all_shards
        outcomes = await self._connection.ask_each(
            [
                [("SET", f"{shard}:{name}", "1", "PX", _LASTS_MS), ("DEL", f"{shard}:{name}")]
                for shard in shards
            ]
        )
        outages = {
            shard: outcome
            for shard, outcome in zip(shards, outcomes, strict=True)
            if isinstance(outcome, StoreUnavailable)
        }
        if outages:
            named = ", ".join(list(outages)[:_MOST_NAMED])
            more = ", ..." if len(outages) > _MOST_NAMED else ""
            why = self._explain(next(iter(outages.values())))
            raise Unsound(f"{len(outages)} of {len(shards)} take no writes ({named}{more}): {why}")
        return f"{len(shards)} of {len(shards)} take writes"

    async def _cluster(self) -> str:
        endpoint = await self._any_node()
        state, slots, setting = await self._asked(
            endpoint,
            ("CLUSTER", "INFO"),
            ("CLUSTER", "SLOTS"),
            ("CONFIG", "GET", "cluster-require-full-coverage"),
        )
        if isinstance(slots, ReplyError):
            raise Unsound(f"the service can't see who owns which slot: {slots}")
        info = fields_of(state)  # nothing where the user may not ask for it
        if info.get("cluster_state", "ok") != "ok":
            raise Unsound(f"cluster_state is {info.get('cluster_state')}: see CLUSTER NODES")
        served = int(info.get("cluster_slots_ok", SLOTS))
        if served < SLOTS:
            raise Unsound(
                f"{SLOTS - served} of {SLOTS} slots have no living node: start one that has their"
                " data (CLUSTER NODES names it)"
            )
        primaries = {_endpoint_of(primary) for _, _, primary, *_ in slots}
        said = f"{len(primaries)} primaries serve all slots"
        said += _warned_of_replicas(slots)
        said += self._warned_of_shards(slots, len(primaries))
        if isinstance(setting, list) and setting[1:] == ["yes"]:
            said += (
                "; SET cluster-require-full-coverage no: with yes the loss of one primary stops"
                " all shards"
            )
        return said

    def _warned_of_shards(self, slots: list[Any], primaries: int) -> str:
        used = {
            _endpoint_of(primary)
            for tag in self._keys.all_shards
            for first, last, primary, *_ in slots
            if first <= slot_of(tag) <= last
        }
        if len(used) == primaries:
            return ""
        return (
            f"; STORE_SHARDS={self._keys.shards} USES ONLY {len(used)} of them: raise it before"
            " there is data"
        )

    async def _sentinel(self) -> str:
        said: dict[Endpoint, str] = {}
        silent: dict[Endpoint, str] = {}
        for endpoint in self._address.endpoints:
            try:
                said[endpoint] = await self._told_by_sentinel(endpoint)
            except (RedisError, OSError) as error:
                silent[endpoint] = self._explain(error)
        if not said:
            raise Unsound("; ".join(f"{endpoint}: {why}" for endpoint, why in silent.items()))
        missing = ", ".join(map(str, silent))
        return next(iter(said.values())) + (f"; NO ANSWER from {missing}" if missing else "")

    async def _told_by_sentinel(self, endpoint: Endpoint) -> str:
        """Raises `Unsound` where the Sentinels could not order a failover."""
        name = self._address.primary_name
        login, tls = self._address.sentinel_login, self._address.tls
        client = Redis(
            host=endpoint.host,
            port=endpoint.port,
            username=login.username,
            password=login.password,
            ssl=tls is not None,
            protocol=2,
            decode_responses=True,
            socket_timeout=DEFAULT.connect_s,
            socket_connect_timeout=DEFAULT.connect_s,
            retry=Retry(NoBackoff(), 0),
            **(tls.options if tls else {}),
        )
        async with client:
            ask: Callable[..., Awaitable[Any]] = client.execute_command
            replicas = [_pairs(one) for one in await ask("SENTINEL", "REPLICAS", name)]
            in_sync = [one for one in replicas if _is_usable(one)]
            try:
                quorum = await ask("SENTINEL", "CKQUORUM", name)
            except ResponseError as error:
                raise Unsound(f"the Sentinels can't order a failover: {error}") from None
        warning = "" if in_sync else "; NO REPLICA is in sync: nothing can take the primary's place"
        return f"{quorum.split('. ')[0]}, {len(in_sync)} replicas{warning}"

    async def _is_cluster(self) -> bool:
        with suppress(OSError, Refused):
            link = await open_link(self._address, await self._any_node())
            await link.close()
            return link.mode == "cluster"
        return False

    async def _primaries(self) -> list[Endpoint]:
        if self._address.primary_name:
            return [await primary_finder(self._address)()]
        node = await self._any_node()
        if not await self._is_cluster():
            return [node]
        (slots,) = await self._asked(node, ("CLUSTER", "SLOTS"))
        return sorted({_endpoint_of(primary) for _, _, primary, *_ in slots}, key=str)

    async def _any_node(self) -> Endpoint:
        """The first one that lets us in. Raises what keeps the last one from it."""
        *others, last = self._address.endpoints
        for endpoint in others:
            with suppress(OSError, Refused):
                await self._asked(endpoint, ("PING",))
                return endpoint
        return last

    async def _asked(self, endpoint: Endpoint, *commands: Command) -> list[Any]:
        """What that server replies; an error reply is among them. Raises as `open_link` does."""
        link = await open_link(self._address, endpoint)
        try:
            return [decoded(reply) for reply in await asked(link, commands)]
        finally:
            await link.close()


def decoded(reply: Reply) -> Any:
    """The reply with text in place of bytes."""
    if isinstance(reply, list):
        return [decoded(part) for part in reply]
    return reply.decode() if isinstance(reply, bytes) else reply


def fields_of(info: Any) -> dict[str, str]:
    """The lines of `INFO` by name, whether the client has taken the text apart or not."""
    if isinstance(info, dict):
        return {str(name): str(value) for name, value in info.items()}
    lines = (line.partition(":") for line in str(info).splitlines() if ":" in line)
    return {name: value.strip() for name, _, value in lines}


def _warned_of_replicas(slots: list[Any]) -> str:
    """Primaries without a living replica; with them, what they hold is gone."""
    alone = {_endpoint_of(primary) for _, _, primary, *replicas in slots if not replicas}
    named = ", ".join(sorted(map(str, alone)))
    return f"; NO REPLICA of {named}: what it holds is gone when it dies" if alone else ""


def _endpoint_of(node: list[Any]) -> Endpoint:
    return Endpoint(str(node[0]), int(node[1]))


def _pairs(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _is_usable(replica: dict[str, str]) -> bool:
    is_up = not {"s_down", "o_down", "disconnected"} & set(replica["flags"].split(","))
    return is_up and replica.get("master-link-status") == "ok"

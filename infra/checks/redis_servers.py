"""Checks of single Redis servers: the nodes of a cluster, Sentinels, a primary."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from hiredis import ReplyError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from infra.checks.runner import Check, CheckFailed
from shared.application.errors import StoreUnavailable
from shared.store.connection import Command, Reply
from shared.store.keys import StoreKeys
from shared.store.redis import NativeConnection, RedisAddress
from shared.store.redis.address import ServerAddress
from shared.store.redis.handshake import ServerRefused, open_connection, send_commands
from shared.store.redis.sentinel import primary_finder
from shared.store.redis.slots import SLOTS, slot_of
from shared.store.redis.timeouts import DEFAULT

_KEY_TTL_MS = 30_000
_MAX_NAMED = 5

Explain = Callable[[Exception], str]


class RedisServerChecks:
    """The servers behind `address`; `explain` turns an exception into a message."""

    def __init__(
        self, address: RedisAddress, keys: StoreKeys, connection: NativeConnection, explain: Explain
    ) -> None:
        self._address = address
        self._keys = keys
        self._connection = connection
        self._explain = explain

    async def checks(self) -> list[Check]:
        """Return the checks that every shard takes writes and that a failover is possible."""
        checks = [Check("shards", self._shards)]
        if self._address.primary_name:
            checks.append(Check("sentinel", self._sentinel))
        elif await self._is_cluster():
            checks.append(Check("cluster", self._cluster))
        return checks

    async def each(self, check_info: Callable[[str], str]) -> str:
        """Apply `check_info` to the INFO of each primary; return its messages.

        Raises `CheckFailed` with the server's address.
        """
        primaries = await self._primaries()
        messages = {}
        for endpoint in primaries:
            (info,) = await self._ask(endpoint, ("INFO",))
            try:
                messages[endpoint] = check_info(info)
            except CheckFailed as fault:
                where = f"{endpoint}: " if len(primaries) > 1 else ""
                raise CheckFailed(f"{where}{fault}") from None
        if len(messages) == 1:
            return next(iter(messages.values()))
        return "; ".join(f"{endpoint}: {message}" for endpoint, message in messages.items())

    async def _shards(self) -> str:
        name = f"check:{uuid4()}"
        shards = self._keys.all_shards
        outcomes = await self._connection.execute_groups(
            [
                [("SET", f"{shard}:{name}", "1", "PX", _KEY_TTL_MS), ("DEL", f"{shard}:{name}")]
                for shard in shards
            ]
        )
        outages = {
            shard: outcome
            for shard, outcome in zip(shards, outcomes, strict=True)
            if isinstance(outcome, StoreUnavailable)
        }
        if outages:
            named = ", ".join(list(outages)[:_MAX_NAMED])
            more = ", ..." if len(outages) > _MAX_NAMED else ""
            why = self._explain(next(iter(outages.values())))
            raise CheckFailed(
                f"{len(outages)} of {len(shards)} take no writes ({named}{more}): {why}"
            )
        return f"{len(shards)} of {len(shards)} take writes"

    async def _cluster(self) -> str:
        endpoint = await self._any_node()
        state, slots, setting = await self._ask(
            endpoint,
            ("CLUSTER", "INFO"),
            ("CLUSTER", "SLOTS"),
            ("CONFIG", "GET", "cluster-require-full-coverage"),
        )
        if isinstance(slots, ReplyError):
            raise CheckFailed(f"CLUSTER SLOTS is refused, and the service needs it: {slots}")
        info = parse_info(state)  # empty if the user may not run CLUSTER INFO
        if info.get("cluster_state", "ok") != "ok":
            raise CheckFailed(f"cluster_state is {info.get('cluster_state')}: see CLUSTER NODES")
        served = int(info.get("cluster_slots_ok", SLOTS))
        if served < SLOTS:
            raise CheckFailed(
                f"{SLOTS - served} of {SLOTS} slots have no living node: start a node that has"
                " their data (see CLUSTER NODES)"
            )
        primaries = {_endpoint_of(primary) for _, _, primary, *_ in slots}
        message = f"{len(primaries)} primaries serve all slots"
        message += _replica_warning(slots)
        message += self._shard_warning(slots, len(primaries))
        if isinstance(setting, list) and setting[1:] == ["yes"]:
            message += (
                "; SET cluster-require-full-coverage no: with yes the loss of one primary stops"
                " all shards"
            )
        return message

    def _shard_warning(self, slots: list[Any], primaries: int) -> str:
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
            " any data is stored"
        )

    async def _sentinel(self) -> str:
        messages: dict[ServerAddress, str] = {}
        failures: dict[ServerAddress, str] = {}
        for endpoint in self._address.endpoints:
            try:
                messages[endpoint] = await self._check_sentinel(endpoint)
            except (RedisError, OSError) as error:
                failures[endpoint] = self._explain(error)
        if not messages:
            raise CheckFailed("; ".join(f"{endpoint}: {why}" for endpoint, why in failures.items()))
        missing = ", ".join(map(str, failures))
        return next(iter(messages.values())) + (f"; NO ANSWER from {missing}" if missing else "")

    async def _check_sentinel(self, endpoint: ServerAddress) -> str:
        """Raises `CheckFailed` if the Sentinels can't order a failover."""
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
                raise CheckFailed(f"the Sentinels can't order a failover: {error}") from None
        warning = "" if in_sync else "; NO REPLICA is in sync: no failover is possible"
        return f"{quorum.split('. ')[0]}, {len(in_sync)} replicas{warning}"

    async def _is_cluster(self) -> bool:
        with suppress(OSError, ServerRefused):
            link = await open_connection(self._address, await self._any_node())
            await link.close()
            return link.mode == "cluster"
        return False

    async def _primaries(self) -> list[ServerAddress]:
        if self._address.primary_name:
            return [await primary_finder(self._address)()]
        node = await self._any_node()
        if not await self._is_cluster():
            return [node]
        (slots,) = await self._ask(node, ("CLUSTER", "SLOTS"))
        return sorted({_endpoint_of(primary) for _, _, primary, *_ in slots}, key=str)

    async def _any_node(self) -> ServerAddress:
        """Return the first node that answers, else the last one, without trying it."""
        *others, last = self._address.endpoints
        for endpoint in others:
            with suppress(OSError, ServerRefused):
                await self._ask(endpoint, ("PING",))
                return endpoint
        return last

    async def _ask(self, endpoint: ServerAddress, *commands: Command) -> list[Any]:
        """Return a server's replies, error replies included. Raises as `open_connection` does."""
        link = await open_connection(self._address, endpoint)
        try:
            return [decode(reply) for reply in await send_commands(link, commands)]
        finally:
            await link.close()


def decode(reply: Reply) -> Any:
    """Return the reply with bytes decoded to text, in lists too."""
    if isinstance(reply, list):
        return [decode(part) for part in reply]
    return reply.decode() if isinstance(reply, bytes) else reply


def parse_info(info: Any) -> dict[str, str]:
    """Parse the reply to `INFO`; some clients return it already parsed."""
    if isinstance(info, dict):
        return {str(name): str(value) for name, value in info.items()}
    lines = (line.partition(":") for line in str(info).splitlines() if ":" in line)
    return {name: value.strip() for name, _, value in lines}


def _replica_warning(slots: list[Any]) -> str:
    alone = {_endpoint_of(primary) for _, _, primary, *replicas in slots if not replicas}
    named = ", ".join(sorted(map(str, alone)))
    return f"; NO REPLICA of {named}: its data is lost if it dies" if alone else ""


def _endpoint_of(node: list[Any]) -> ServerAddress:
    return ServerAddress(str(node[0]), int(node[1]))


def _pairs(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _is_usable(replica: dict[str, str]) -> bool:
    is_up = not {"s_down", "o_down", "disconnected"} & set(replica["flags"].split(","))
    return is_up and replica.get("master-link-status") == "ok"

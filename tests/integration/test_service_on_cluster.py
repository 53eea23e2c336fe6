"""The whole service on a Redis Cluster with twelve shards, whose nodes die and whose slots move.

The players, the audit worker and the verdict are those of the soak.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count, pairwise
from statistics import median
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from infra.local.instance import Instance
from infra.local.redis_cluster import ClusterNode, LocalCluster
from shared.store.keys import Keys
from tests.fuzz.extent import IS_FULL
from tests.resilience.soak.comparison import compare_with_trail
from tests.resilience.soak.environment import SoakEnvironment, soak_environment
from tests.resilience.soak.plan import SoakPlan
from tests.resilience.soak.players import AnswerLog, play_all
from tests.support.live import LiveClient, connect_live

_KEYS = Keys(12)
_PROMISE_S = 2.0
_DRAINED_WITHIN_S = 20.0
_TURN_MS = 1_000

_full_run_only = pytest.mark.skipif(not IS_FULL, reason="takes long: only where FUZZ=full")

_seeds = count(1)
"""The ids of a plan's sessions follow from its seed: each plan needs one of its own."""


@pytest.fixture(scope="module")
def place() -> Iterator[SoakEnvironment]:
    """A service, an audit worker, a cluster and a database."""
    with soak_environment(SoakPlan(cluster=True)) as place:
        yield place


@pytest.fixture
def cluster(place: SoakEnvironment) -> Iterator[LocalCluster]:
    """The cluster; whatever a test does to it, the next one finds all six nodes."""
    cluster = place.store.cluster
    assert cluster is not None
    yield cluster
    for node in cluster.nodes:
        node.process.resume()
        if not node.process.is_running:
            node.process.start()
    cluster.wait_until_healthy()


def _plan(**numbers: Any) -> SoakPlan:
    return SoakPlan(seed=next(_seeds), **numbers)


@asynccontextmanager
async def played(place: SoakEnvironment, plan: SoakPlan) -> AsyncIterator[AnswerLog]:
    """Players at work, to the end of the block and until they have finished; then every change
    that they were told of is in the trail exactly once."""
    ledger = AnswerLog(lambda: None)
    playing = asyncio.create_task(play_all(place.url, plan, ledger))
    try:
        await answered(ledger, plan.sessions)
        yield ledger
        await playing
    finally:
        playing.cancel()
    await drained(place)
    verdict = compare_with_trail(place.trail.postgres.url, ledger, place.store, 0.0)
    assert verdict.faults == ()
    assert len(ledger.accepted) == plan.changes // plan.sessions * plan.sessions
    assert place.store.dead_letters() == 0


async def drained(place: SoakEnvironment) -> None:
    """Return when nothing waits for the trail."""
    async with asyncio.timeout(_DRAINED_WITHIN_S):
        while await asyncio.to_thread(place.store.waiting):
            await asyncio.sleep(0.05)


async def answered(ledger: AnswerLog, changes: int) -> None:
    """Return when so many more changes have been answered."""
    wanted = len(ledger.accepted) + changes
    while len(ledger.accepted) < wanted:
        await asyncio.sleep(0.02)


async def goes_on(ledger: AnswerLog, shards: set[str], within_s: float = _PROMISE_S) -> None:
    """Return when a change of each of `shards` has been answered from now on."""
    begun = len(ledger.accepted)
    async with asyncio.timeout(within_s):
        while True:
            changed = {_KEYS.shard_of(change.session_id) for change in ledger.accepted[begun:]}
            if shards <= changed:
                return
            await asyncio.sleep(0.02)


def shards_of(cluster: LocalCluster, node: ClusterNode) -> set[str]:
    """The shards that a node owns."""
    return {shard for shard in _KEYS.all_shards if cluster.owner_of(shard) is node}


@_full_run_only
async def test_hundreds_of_sessions_outlive_the_primary_that_holds_them(
    place: SoakEnvironment, cluster: LocalCluster
) -> None:
    async with played(place, _plan(changes=1_500, sessions=300, rate=100)) as ledger:
        before = len(place.store.failovers)
        hit = shards_of(cluster, cluster.owner_of("{s0}"))
        await asyncio.to_thread(place.store.fail_over, 0.0)
        assert place.store.failovers[before].shards == hit
        await goes_on(ledger, hit, 10)


async def test_nothing_is_lost_while_every_shard_moves(
    place: SoakEnvironment, cluster: LocalCluster
) -> None:
    async with played(place, _plan(changes=900, sessions=60, rate=100)) as ledger:
        for shard in _KEYS.all_shards:
            owner = cluster.owner_of(shard)
            target = next(o for o in map(cluster.owner_of, _KEYS.all_shards) if o is not owner)
            await asyncio.to_thread(cluster.migrate, shard, target)
        await goes_on(ledger, set(_KEYS.all_shards), 10)
    assert ledger.retries == 0


@_full_run_only
async def test_nothing_is_lost_while_every_node_is_restarted_in_turn(
    place: SoakEnvironment, cluster: LocalCluster
) -> None:
    async with played(place, _plan(changes=1_500, sessions=60, rate=60)) as ledger:
        for node in cluster.nodes:
            if owned := shards_of(cluster, node):
                await asyncio.to_thread(cluster.hand_over, min(owned))
            await asyncio.to_thread(cluster.kill, node)
            await asyncio.to_thread(cluster.restart, node)
        await goes_on(ledger, set(_KEYS.all_shards), 10)


@_full_run_only
async def test_a_primary_and_a_replica_of_another_one_may_die_together(
    place: SoakEnvironment, cluster: LocalCluster
) -> None:
    async with played(place, _plan(changes=900, sessions=60, rate=100)) as ledger:
        primary = cluster.owner_of("{s0}")
        other = next(o for o in map(cluster.owner_of, _KEYS.all_shards) if o is not primary)
        replica = cluster.replica_of(other)
        cluster.kill(replica)
        await asyncio.to_thread(place.store.kill_primary, 0.0)
        await asyncio.to_thread(cluster.wait_until_owned, "{s0}", not_by=primary)
        await goes_on(ledger, set(_KEYS.all_shards), 10)
        for node in (primary, replica):
            node.process.start()
        await asyncio.to_thread(cluster.wait_until_healthy)


async def test_flags_fall_in_time_on_living_shards_while_a_primary_is_dead(
    place: SoakEnvironment, cluster: LocalCluster
) -> None:
    victim = cluster.owner_of("{s0}")
    hit = shards_of(cluster, victim)
    async with watched(place, sessions=36) as boards:
        await asyncio.gather(*(board.falls(2) for board in boards))
        killed_at = time.time()
        await asyncio.to_thread(place.store.fail_over, 0.0)
        await asyncio.gather(*(board.falls(2) for board in boards))
    living = [board for board in boards if _KEYS.shard_of(board.session_id) not in hit]
    assert 0 < len(living) < len(boards)
    late_ms = [late for board in living for at, late in board.late if at > killed_at]
    print(f"flags on living shards: {median(late_ms):.0f} ms late, {max(late_ms):.0f} at most")
    assert median(late_ms) < 100
    assert max(late_ms) < 1_000
    await drained(place)
    for board in boards:
        falls = fallen(place, board.session_id)
        assert len(falls) >= 4
        assert [later - earlier for earlier, later in pairwise(falls)] == [_TURN_MS] * (
            len(falls) - 1
        )


def fallen(place: SoakEnvironment, session_id: str) -> list[int]:
    """When flags of a session fell, as the trail has it, in ms."""
    with psycopg.connect(place.trail.postgres.url) as connection:
        rows = connection.execute(
            "select (extract(epoch from occurred_at) * 1000)::bigint from public.sync_events"
            " where session_id = %s and event = 'time_expired' order by version",
            [session_id],
        )
        return [at for (at,) in rows]


class Board:
    """A screen that shows one session, whose turns run out by themselves."""

    def __init__(self, session_id: str, follower: LiveClient) -> None:
        self.session_id = session_id
        self.late: list[tuple[float, float]] = []
        """When a flag's fall was heard of (`time.time()`), and how long after its deadline, ms."""
        self._follower = follower

    async def read(self) -> None:
        """Note every flag that falls, until cancelled."""
        while True:
            message = await self._follower.until_type("TIME_EXPIRED")
            self.late.append((time.time(), time.time() * 1000 - message["deadline_ms"]))

    async def falls(self, times: int) -> None:
        """Return when so many more flags have fallen."""
        wanted = len(self.late) + times
        async with asyncio.timeout(10):
            while len(self.late) < wanted:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def watched(place: SoakEnvironment, sessions: int) -> AsyncIterator[list[Board]]:
    """Sessions that run, each with a screen; deleted at the end."""
    process = place.service.process
    assert process is not None
    instance = Instance(process, int(place.url.rpartition(":")[2]))
    members = [{"participant_id": f"00000000-0000-4000-8000-00000000000{n}"} for n in (1, 2)]
    body: dict[str, Any] = {
        "sync_mode": "per_cycle",
        "time_per_cycle_ms": _TURN_MS,
        "auto_advance": True,
        "participants": members,
    }
    async with (
        httpx.AsyncClient(base_url=place.url, timeout=10) as http,
        AsyncExitStack() as stack,
    ):
        boards = []
        for _ in range(sessions):
            session_id = str(uuid4())
            follower = await stack.enter_async_context(connect_live(instance, session_id))
            boards.append(Board(session_id, follower))
            answer = await http.post("/v1/sessions", json={**body, "session_id": session_id})
            assert answer.status_code == 201, answer.text
        for board in boards:
            assert (await http.post(f"/v1/sessions/{board.session_id}/start")).is_success
        reading = [asyncio.create_task(board.read()) for board in boards]
        yield boards
        for task in reading:
            task.cancel()
        for board in boards:
            await http.delete(f"/v1/sessions/{board.session_id}")

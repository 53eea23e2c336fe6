"""The service loses no change on a Redis Cluster whose nodes die and whose slots move.

The cluster holds twelve shards. The players, the audit worker and the final check are those of
`make soak`.
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
from shared.store.keys import StoreKeys
from tests.fuzz.extent import IS_FULL
from tests.resilience.soak.comparison import compare_with_trail
from tests.resilience.soak.environment import SoakEnvironment, soak_environment
from tests.resilience.soak.plan import SoakPlan
from tests.resilience.soak.players import AnswerLog, play_all
from tests.support.live import LiveClient, connect_live

_KEYS = StoreKeys(12)
_TIMEOUT_S = 60.0
_CYCLE_MS = 1_000

_full_run_only = pytest.mark.skipif(not IS_FULL, reason="takes long: only with FUZZ=full")

_seeds = count(1)
"""Session ids are derived from the plan's seed, so each plan needs its own."""


@pytest.fixture(scope="module")
def deployment() -> Iterator[SoakEnvironment]:
    """A service, an audit worker, a cluster and a database."""
    with soak_environment(SoakPlan(cluster=True)) as deployment:
        yield deployment


@pytest.fixture
def cluster(deployment: SoakEnvironment) -> Iterator[LocalCluster]:
    """The cluster; all six nodes run again after each test."""
    cluster = deployment.store.cluster
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
async def with_players(deployment: SoakEnvironment, plan: SoakPlan) -> AsyncIterator[AnswerLog]:
    """Run players during the block and until they have finished.

    Then check that every change that was acknowledged is in the trail exactly once.
    """
    ledger = AnswerLog(lambda: None)
    playing = asyncio.create_task(play_all(deployment.url, plan, ledger))
    try:
        await wait_for_changes(ledger, plan.sessions)
        yield ledger
        await playing
    finally:
        playing.cancel()
    await wait_until_drained(deployment)
    verdict = compare_with_trail(deployment.trail.postgres.url, ledger, deployment.store, 0.0)
    assert not verdict.faults, "\n".join(verdict.faults)
    assert len(ledger.accepted) == plan.changes // plan.sessions * plan.sessions
    assert deployment.store.dead_letters() == 0


async def wait_until_drained(deployment: SoakEnvironment) -> None:
    """Return when the outbox is empty."""
    async with asyncio.timeout(_TIMEOUT_S):
        while await asyncio.to_thread(deployment.store.waiting):
            await asyncio.sleep(0.05)


async def wait_for_changes(ledger: AnswerLog, changes: int) -> None:
    """Return when so many more changes have been accepted."""
    wanted = len(ledger.accepted) + changes
    while len(ledger.accepted) < wanted:
        await asyncio.sleep(0.02)


async def wait_for_change_on_each(ledger: AnswerLog, shards: set[str]) -> None:
    """Return when a new change on each of `shards` has been accepted."""
    begun = len(ledger.accepted)
    async with asyncio.timeout(_TIMEOUT_S):
        while True:
            changed = {_KEYS.shard_of(change.session_id) for change in ledger.accepted[begun:]}
            if shards <= changed:
                return
            await asyncio.sleep(0.02)


def shards_of(cluster: LocalCluster, node: ClusterNode) -> set[str]:
    """Return the shards that a node owns."""
    return {shard for shard in _KEYS.all_shards if cluster.owner_of(shard) is node}


@_full_run_only
async def test_hundreds_of_sessions_survive_a_failover_of_their_primary(
    deployment: SoakEnvironment, cluster: LocalCluster
) -> None:
    async with with_players(deployment, _plan(changes=1_500, sessions=300, rate=100)) as ledger:
        before = len(deployment.store.failovers)
        affected = shards_of(cluster, cluster.owner_of("{s0}"))
        await asyncio.to_thread(deployment.store.fail_over, 0.0)
        assert deployment.store.failovers[before].shards == affected
        await wait_for_change_on_each(ledger, affected)


async def test_no_change_is_lost_while_every_shard_moves(
    deployment: SoakEnvironment, cluster: LocalCluster
) -> None:
    plan = _plan(changes=900, sessions=60, rate=100)
    with cluster.failover_off():
        async with with_players(deployment, plan) as ledger:
            for shard in _KEYS.all_shards:
                owner = cluster.owner_of(shard)
                target = next(o for o in map(cluster.owner_of, _KEYS.all_shards) if o is not owner)
                await asyncio.to_thread(cluster.migrate, shard, target)
            await wait_for_change_on_each(ledger, set(_KEYS.all_shards))
    assert ledger.retries == 0


@_full_run_only
async def test_no_change_is_lost_in_a_rolling_restart_of_the_nodes(
    deployment: SoakEnvironment, cluster: LocalCluster
) -> None:
    async with with_players(deployment, _plan(changes=1_500, sessions=60, rate=60)) as ledger:
        for node in cluster.nodes:
            if owned := shards_of(cluster, node):
                await asyncio.to_thread(cluster.planned_failover, min(owned))
            await asyncio.to_thread(cluster.kill, node)
            await asyncio.to_thread(cluster.restart, node)
        await wait_for_change_on_each(ledger, set(_KEYS.all_shards))


@_full_run_only
async def test_no_change_is_lost_when_a_primary_and_another_s_replica_die(
    deployment: SoakEnvironment, cluster: LocalCluster
) -> None:
    async with with_players(deployment, _plan(changes=900, sessions=60, rate=100)) as ledger:
        primary = cluster.owner_of("{s0}")
        other = next(o for o in map(cluster.owner_of, _KEYS.all_shards) if o is not primary)
        replica = cluster.replica_of(other)
        cluster.kill(replica)
        await asyncio.to_thread(deployment.store.kill_primary, 0.0)
        await asyncio.to_thread(cluster.wait_until_promoted, "{s0}", not_by=primary)
        await wait_for_change_on_each(ledger, set(_KEYS.all_shards))
        for node in (primary, replica):
            node.process.start()
        await asyncio.to_thread(cluster.wait_until_healthy)


async def test_flags_fall_in_time_on_other_shards_while_a_primary_is_down(
    deployment: SoakEnvironment, cluster: LocalCluster
) -> None:
    """`make load` measures the usual lateness; the limits here allow for a busy machine."""
    victim = cluster.owner_of("{s0}")
    affected = shards_of(cluster, victim)
    async with observed_sessions(deployment, sessions=36) as observers:
        await asyncio.gather(*(observer.wait_for_flags(2) for observer in observers))
        killed_at = time.time()
        await asyncio.to_thread(deployment.store.fail_over, 0.0)
        await asyncio.gather(*(observer.wait_for_flags(2) for observer in observers))
    others = [
        observer for observer in observers if _KEYS.shard_of(observer.session_id) not in affected
    ]
    assert 0 < len(others) < len(observers)
    late_ms = [late for observer in others for at, late in observer.late if at > killed_at]
    print(f"flags on the other shards: {median(late_ms):.0f} ms late, {max(late_ms):.0f} at most")
    assert median(late_ms) < 1_000
    assert max(late_ms) < 10_000
    await wait_until_drained(deployment)
    for observer in observers:
        fell_at = flag_falls_in_trail(deployment, observer.session_id)
        assert len(fell_at) >= 4
        assert [later - earlier for earlier, later in pairwise(fell_at)] == [_CYCLE_MS] * (
            len(fell_at) - 1
        )


def flag_falls_in_trail(deployment: SoakEnvironment, session_id: str) -> list[int]:
    """Return when the flags of a session fell according to the trail, in epoch ms."""
    with psycopg.connect(deployment.trail.postgres.url) as connection:
        rows = connection.execute(
            "select (extract(epoch from occurred_at) * 1000)::bigint from public.sync_events"
            " where session_id = %s and event = 'time_expired' order by version",
            [session_id],
        )
        return [at for (at,) in rows]


class FlagObserver:
    """Records the flag falls of a session whose cycles advance automatically."""

    def __init__(self, session_id: str, follower: LiveClient) -> None:
        self.session_id = session_id
        self.late: list[tuple[float, float]] = []
        """When a flag fall was received (`time.time()`), and how long after its deadline, ms."""
        self._follower = follower

    async def read(self) -> None:
        """Record every flag fall, until cancelled."""
        while True:
            message = await self._follower.until_type("TIME_EXPIRED")
            self.late.append((time.time(), time.time() * 1000 - message["deadline_ms"]))

    async def wait_for_flags(self, times: int) -> None:
        """Return when so many more flags have fallen."""
        wanted = len(self.late) + times
        async with asyncio.timeout(_TIMEOUT_S):
            while len(self.late) < wanted:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def observed_sessions(
    deployment: SoakEnvironment, sessions: int
) -> AsyncIterator[list[FlagObserver]]:
    """Start sessions and observe each; delete them at the end."""
    process = deployment.service.process
    assert process is not None
    instance = Instance(process, int(deployment.url.rpartition(":")[2]))
    members = [{"participant_id": f"00000000-0000-4000-8000-00000000000{n}"} for n in (1, 2)]
    body: dict[str, Any] = {
        "sync_mode": "per_cycle",
        "time_per_cycle_ms": _CYCLE_MS,
        "auto_advance": True,
        "participants": members,
    }
    async with (
        httpx.AsyncClient(base_url=deployment.url, timeout=30) as http,
        AsyncExitStack() as stack,
    ):
        observers = []
        for _ in range(sessions):
            session_id = str(uuid4())
            follower = await stack.enter_async_context(connect_live(instance, session_id))
            observers.append(FlagObserver(session_id, follower))
            answer = await http.post("/v1/sessions", json={**body, "session_id": session_id})
            assert answer.status_code == 201, answer.text
        for observer in observers:
            assert (await http.post(f"/v1/sessions/{observer.session_id}/start")).is_success
        reading = [asyncio.create_task(observer.read()) for observer in observers]
        yield observers
        for task in reading:
            task.cancel()
        for observer in observers:
            await http.delete(f"/v1/sessions/{observer.session_id}")

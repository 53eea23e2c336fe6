"""A rolling restart behind a proxy fails no request, and every client reconnects and catches up.

`ROLLING_SOCKETS`, `ROLLING_SESSIONS`, `ROLLING_ROUNDS` and `ROLLING_DRAIN_S` make the test larger,
`ROLLING_LATEST_FLAG_MS` makes it stricter; `-s` prints its figures. With `ROLLING_DRAIN_S=0` and
several rounds it is expected to fail.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra.local.postgres import EmbeddedPostgres
from tests.conftest import missing
from tests.resilience.faults.audit_trail import AuditTrail
from tests.resilience.rolling.balancer import Balancer, balancer, is_installed
from tests.resilience.rolling.flags import collect_lateness
from tests.resilience.rolling.fleet import Fleet, fleet
from tests.resilience.rolling.followers import Follower
from tests.resilience.rolling.libraries import Library, libraries
from tests.resilience.rolling.players import Player
from tests.support.api import ApiClient, api_client, chess, participant

_SESSIONS = int(os.environ.get("ROLLING_SESSIONS", "6"))
_SOCKETS = int(os.environ.get("ROLLING_SOCKETS", "120"))
_ROUNDS = int(os.environ.get("ROLLING_ROUNDS", "1"))
_DRAIN_S = os.environ.get("ROLLING_DRAIN_S", "5")
_RECONNECT_WITHIN_S = 20.0
_MAX_LATENESS_MS = float(os.environ.get("ROLLING_LATEST_FLAG_MS", "10000"))
"""On a quiet machine, 250 is enough. An expiry claimed by a stopped instance would be handled after
its lease ends, 1000 ms later; tests/unit/test_deadline_loop.py shows that none is left claimed."""
_UNLIMITED = {
    "RATE_LIMIT_GENERAL": "0",
    "RATE_LIMIT_SWITCH": "0",
    "MAX_SOCKETS_PER_CALLER": "100000",
}


@dataclass
class Clients:
    """All clients of a run, with their results."""

    url: str
    players: list[Player] = field(default_factory=list)
    followers: list[Follower] = field(default_factory=list)
    libraries: list[Library] = field(default_factory=list)
    lateness_ms: list[float] = field(default_factory=list)

    @property
    def failures(self) -> list[str]:
        """Failed requests of all players."""
        return [failure for player in self.players for failure in player.failures]

    @property
    def offline_s(self) -> list[float]:
        """Seconds between the connections of all followers and libraries."""
        clients: list[Follower | Library] = [*self.followers, *self.libraries]
        return [gap for client in clients for gap in client.offline_s]


@pytest.fixture
def instances(own_redis_url: str, postgres: EmbeddedPostgres) -> Iterator[Fleet]:
    """Two instances with one Redis and one Postgres."""
    if not is_installed():
        missing("haproxy")
    settings = _UNLIMITED | {"DATABASE_URL": postgres.url, "DRAIN_S": _DRAIN_S}
    with fleet(own_redis_url, 2, **settings) as two:
        yield two


@pytest.fixture
def proxy(instances: Fleet) -> Iterator[Balancer]:
    """A proxy in front of both instances."""
    with balancer(instances.ports) as proxy:
        yield proxy


@asynccontextmanager
async def running_clients(url: str, redis_url: str) -> AsyncIterator[Clients]:
    """Run players, followers and a session that expires every second until the end of the block."""
    clients = Clients(url)
    async with api_client(url) as api, AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        await api.started(_expiring_every_second())
        ids = [await api.started(chess(participants=_two_participants())) for _ in range(_SESSIONS)]
        clients.players = [Player(url, session_id) for session_id in ids]
        clients.followers = [Follower(url, ids[n % _SESSIONS]) for n in range(_SOCKETS)]
        clients.libraries = await stack.enter_async_context(libraries(url, ids[:2]))
        collecting = group.create_task(collect_lateness(redis_url, clients.lateness_ms))
        for follower in clients.followers:
            group.create_task(follower.follow())
        await asyncio.gather(*(follower.wait_for_version(2) for follower in clients.followers))
        playing = [group.create_task(player.play()) for player in clients.players]
        try:
            yield clients
        finally:
            for player in clients.players:
                player.is_over = True
            await asyncio.wait(playing)
            await _settle(clients, api)
            for follower in clients.followers:
                await follower.end()
            collecting.cancel()


async def _settle(clients: Clients, api: ApiClient) -> None:
    """Wait until every client has the final state of its session, and assert that it is equal."""
    final = {one.session_id: await api.session(one.session_id) for one in clients.players}
    for player in clients.players:
        assert player.version <= final[player.session_id]["version"]
    await asyncio.gather(
        *(one.wait_for_version(final[one.session_id]["version"]) for one in clients.followers)
    )
    for follower in clients.followers:
        assert _clock_fields(follower.state) == _clock_fields(final[follower.session_id])
    for library in clients.libraries:
        await library.assert_shows({name: await api.session(name) for name in library.ids})


def _clock_fields(state: dict[str, Any]) -> dict[str, object]:
    """Return the fields from which a client calculates the clocks."""
    banks = [player["total_time_ms"] for player in state["participants"]]
    names = ("version", "status", "active_participant_id", "cycle_started_at", "deadline_at")
    return {name: state[name] for name in names} | {"banks": banks}


def _two_participants() -> list[dict[str, object]]:
    """Return participants whose clocks don't expire during the test."""
    return [participant(3_600_000), participant(3_600_000)]


def _expiring_every_second() -> dict[str, object]:
    return chess(
        sync_mode="per_cycle",
        time_per_cycle_ms=1000,
        auto_advance=True,
        participants=[participant(None), participant(None)],
    )


async def test_a_rolling_restart_fails_no_request_and_every_client_reconnects(
    instances: Fleet, proxy: Balancer, own_redis_url: str, postgres: EmbeddedPostgres
) -> None:
    async with running_clients(proxy.url, own_redis_url) as clients:
        for _ in range(_ROUNDS):
            await rolling_restart(instances, proxy)
    assert clients.failures == []
    assert len(clients.offline_s) >= len(clients.followers)
    assert all(library.offline_s for library in clients.libraries)
    assert max(clients.offline_s) < _RECONNECT_WITHIN_S
    assert all(follower.was_told_to_reconnect for follower in clients.followers)
    assert clients.lateness_ms
    assert max(clients.lateness_ms) < _MAX_LATENESS_MS
    await _assert_complete_trail(clients, postgres)
    _print_figures(clients)


@pytest.mark.extended
async def test_an_instance_that_is_stopped_for_good_fails_no_request_and_no_deadline(
    instances: Fleet, proxy: Balancer, own_redis_url: str, postgres: EmbeddedPostgres
) -> None:
    """Fly stops machines that aren't needed. The other ones handle the deadlines."""
    async with running_clients(proxy.url, own_redis_url) as clients:
        await wait_until_both_up(instances, proxy)
        await asyncio.to_thread(instances.stop, 1)
        handled = len(clients.lateness_ms)
        await asyncio.gather(*(wait_for_switches(player) for player in clients.players))
        async with asyncio.timeout(60):
            while len(clients.lateness_ms) < handled + 3:
                await asyncio.sleep(0.02)
    assert clients.failures == []
    assert clients.offline_s
    assert max(clients.offline_s) < _RECONNECT_WITHIN_S
    assert all(follower.was_told_to_reconnect for follower in clients.followers)
    assert max(clients.lateness_ms) < _MAX_LATENESS_MS
    await _assert_complete_trail(clients, postgres)
    _print_figures(clients)


async def test_a_killed_instance_fails_only_the_requests_in_flight(
    instances: Fleet, proxy: Balancer, own_redis_url: str, postgres: EmbeddedPostgres
) -> None:
    async with running_clients(proxy.url, own_redis_url) as clients:
        await wait_until_both_up(instances, proxy)
        await asyncio.to_thread(instances.kill, 0)
        await asyncio.gather(*(wait_for_switches(player) for player in clients.players))
        await asyncio.to_thread(instances.start, 0)
    assert len(clients.failures) <= len(clients.players)
    assert clients.offline_s
    assert max(clients.offline_s) < _RECONNECT_WITHIN_S
    await _assert_complete_trail(clients, postgres)
    _print_figures(clients)


async def wait_until_both_up(instances: Fleet, proxy: Balancer) -> None:
    """Wait until the proxy sends requests to both instances."""
    for port in instances.ports:
        await proxy.wait_until_up(port)


async def rolling_restart(instances: Fleet, proxy: Balancer) -> None:
    """Restart one instance after the other as a deployment does: only while the others serve."""
    for index in range(len(instances.ports)):
        await wait_until_both_up(instances, proxy)
        await instances.restart(index)


async def wait_for_switches(player: Player) -> None:
    """Wait until the player has made 20 more switches."""
    wanted = player.switches + 20
    async with asyncio.timeout(60):
        while player.switches < wanted:
            await asyncio.sleep(0.02)


async def _assert_complete_trail(clients: Clients, postgres: EmbeddedPostgres) -> None:
    """Assert that the trail has every version of every session exactly once."""
    trail = AuditTrail(postgres.url)
    for player in clients.players:
        follower = next(f for f in clients.followers if f.session_id == player.session_id)
        async with asyncio.timeout(60):
            await trail.until({player.session_id: follower.version})
        versions = trail.versions(player.session_id)
        assert versions == list(range(1, follower.version + 1))


def _print_figures(clients: Clients) -> None:
    switches = sum(player.switches for player in clients.players)
    slowest = max(player.slowest_s for player in clients.players)
    print(
        f"{switches} switches, {len(clients.failures)} failed,"
        f" the slowest took {slowest * 1000:.0f} ms;"
        f" {len(clients.offline_s)} reconnects, the longest {max(clients.offline_s):.2f} s;"
        f" {len(clients.lateness_ms)} expiries, the latest {max(clients.lateness_ms):.0f} ms"
    )

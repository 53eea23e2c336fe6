"""A release, one instance after the other, behind a proxy: nobody fails, nobody is left behind.

`ROLLING_SOCKETS`, `ROLLING_SESSIONS`, `ROLLING_ROUNDS` and `ROLLING_DRAIN_S` make it larger,
`ROLLING_LATEST_FLAG_MS` stricter; with `-s` it tells its figures. With `ROLLING_DRAIN_S=0` and some
rounds it fails, as it must.
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
from tests.resilience.rolling.balancer import Balancer, balancer, can_run
from tests.resilience.rolling.flags import collect_lateness
from tests.resilience.rolling.fleet import Fleet, fleet
from tests.resilience.rolling.followers import Follower
from tests.resilience.rolling.libraries import Library, libraries
from tests.resilience.rolling.players import Player
from tests.support.api import ApiClient, api_client, chess, participant

_SESSIONS = int(os.environ.get("ROLLING_SESSIONS", "6"))
_SOCKETS = int(os.environ.get("ROLLING_SOCKETS", "120"))
_ROUNDS = int(os.environ.get("ROLLING_ROUNDS", "1"))
_DRAIN_S = os.environ.get("ROLLING_DRAIN_S", "2")
_BACK_WITHIN_S = 2.0
_LATEST_FLAG_MS = float(os.environ.get("ROLLING_LATEST_FLAG_MS", "900"))
"""One that a stopped instance took with it would be noticed when its lease ends, after 1000 ms;
below that, it is what other work on the machine costs. 250 holds where there is none."""
_UNLIMITED = {
    "RATE_LIMIT_GENERAL": "0",
    "RATE_LIMIT_SWITCH": "0",
    "MAX_SOCKETS_PER_CALLER": "100000",
}


@dataclass
class Crowd:
    """Everybody, and what became of them."""

    url: str
    players: list[Player] = field(default_factory=list)
    followers: list[Follower] = field(default_factory=list)
    libraries: list[Library] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)

    @property
    def failures(self) -> list[str]:
        """Of all players."""
        return [failure for player in self.players for failure in player.failures]

    @property
    def away_s(self) -> list[float]:
        """Of all who follow: from the end of each connection to the next one's beginning."""
        everybody: list[Follower | Library] = [*self.followers, *self.libraries]
        return [away for one in everybody for away in one.away_s]


@pytest.fixture
def instances(own_redis_url: str, postgres: EmbeddedPostgres) -> Iterator[Fleet]:
    """Two, of one Redis and one Postgres."""
    if not can_run():
        missing("haproxy")
    settings = _UNLIMITED | {"DATABASE_URL": postgres.url, "DRAIN_S": _DRAIN_S}
    with fleet(own_redis_url, 2, **settings) as two:
        yield two


@pytest.fixture
def proxy(instances: Fleet) -> Iterator[Balancer]:
    """The one before them, which knows both."""
    with balancer(instances.ports) as proxy:
        yield proxy


@asynccontextmanager
async def crowd(url: str, redis_url: str) -> AsyncIterator[Crowd]:
    """Players, followers and a clock that runs out every second, to the end of the block."""
    everybody = Crowd(url)
    async with api_client(url) as api, AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        await api.started(_running_out())
        ids = [await api.started(chess(participants=_two())) for _ in range(_SESSIONS)]
        everybody.players = [Player(url, session_id) for session_id in ids]
        everybody.followers = [Follower(url, ids[n % _SESSIONS]) for n in range(_SOCKETS)]
        everybody.libraries = await stack.enter_async_context(libraries(url, ids[:2]))
        collecting = group.create_task(collect_lateness(redis_url, everybody.late_ms))
        for follower in everybody.followers:
            group.create_task(follower.follow())
        await asyncio.gather(*(follower.until(2) for follower in everybody.followers))
        playing = [group.create_task(player.play()) for player in everybody.players]
        try:
            yield everybody
        finally:
            for player in everybody.players:
                player.is_over = True
            await asyncio.wait(playing)
            await _settle(everybody, api)
            for follower in everybody.followers:
                await follower.end()
            collecting.cancel()


async def _settle(everybody: Crowd, api: ApiClient) -> None:
    """Wait until every follower knows what its session has come to."""
    final = {one.session_id: await api.session(one.session_id) for one in everybody.players}
    for player in everybody.players:
        assert player.version <= final[player.session_id]["version"]
    await asyncio.gather(
        *(one.until(final[one.session_id]["version"]) for one in everybody.followers)
    )
    for follower in everybody.followers:
        assert _anchors(follower.state) == _anchors(final[follower.session_id])
    for library in everybody.libraries:
        await library.require({name: await api.session(name) for name in library.ids})


def _anchors(state: dict[str, Any]) -> dict[str, object]:
    """All from which a clock is worked out, at any instant."""
    banks = [player["total_time_ms"] for player in state["participants"]]
    names = ("version", "status", "active_participant_id", "cycle_started_at", "deadline_at")
    return {name: state[name] for name in names} | {"banks": banks}


def _two() -> list[dict[str, object]]:
    """Players whose clocks don't run out meanwhile."""
    return [participant(3_600_000), participant(3_600_000)]


def _running_out() -> dict[str, object]:
    return chess(
        sync_mode="per_cycle",
        time_per_cycle_ms=1000,
        auto_advance=True,
        participants=[participant(None), participant(None)],
    )


async def test_a_rolling_restart_fails_no_request_and_brings_every_socket_back(
    instances: Fleet, proxy: Balancer, own_redis_url: str, postgres: EmbeddedPostgres
) -> None:
    async with crowd(proxy.url, own_redis_url) as everybody:
        for _ in range(_ROUNDS):
            await release(instances, proxy)
    assert everybody.failures == []
    assert len(everybody.away_s) >= len(everybody.followers)
    assert all(library.away_s for library in everybody.libraries)
    assert max(everybody.away_s) < _BACK_WITHIN_S
    assert all(follower.was_told for follower in everybody.followers)
    assert everybody.late_ms
    assert max(everybody.late_ms) < _LATEST_FLAG_MS
    await _require_whole_trail(everybody, postgres)
    _tell(everybody)


async def test_an_instance_that_dies_takes_with_it_only_what_it_was_answering(
    instances: Fleet, proxy: Balancer, own_redis_url: str, postgres: EmbeddedPostgres
) -> None:
    async with crowd(proxy.url, own_redis_url) as everybody:
        await both_up(instances, proxy)
        await asyncio.to_thread(instances.kill, 0)
        await asyncio.gather(*(player_goes_on(player) for player in everybody.players))
        await asyncio.to_thread(instances.start, 0)
    assert len(everybody.failures) <= len(everybody.players)
    assert everybody.away_s
    assert max(everybody.away_s) < _BACK_WITHIN_S
    await _require_whole_trail(everybody, postgres)
    _tell(everybody)


async def both_up(instances: Fleet, proxy: Balancer) -> None:
    """Return when the proxy sends requests to either."""
    for port in instances.ports:
        await proxy.until_up(port)


async def release(instances: Fleet, proxy: Balancer) -> None:
    """One instance after the other, as a deployment does it: not before the others serve."""
    for place in range(len(instances.ports)):
        await both_up(instances, proxy)
        await instances.restart(place)


async def player_goes_on(player: Player) -> None:
    """Return when a player has made more switches."""
    wanted = player.switches + 20
    async with asyncio.timeout(10):
        while player.switches < wanted:
            await asyncio.sleep(0.02)


async def _require_whole_trail(everybody: Crowd, postgres: EmbeddedPostgres) -> None:
    """Every version of every session is in the trail, once."""
    trail = AuditTrail(postgres.url)
    for player in everybody.players:
        follower = next(f for f in everybody.followers if f.session_id == player.session_id)
        async with asyncio.timeout(10):
            await trail.until({player.session_id: follower.version})
        versions = trail.versions(player.session_id)
        assert versions == list(range(1, follower.version + 1))


def _tell(everybody: Crowd) -> None:
    switches = sum(player.switches for player in everybody.players)
    slowest = max(player.slowest_s for player in everybody.players)
    print(
        f"{switches} switches, {len(everybody.failures)} failed,"
        f" the slowest took {slowest * 1000:.0f} ms;"
        f" {len(everybody.away_s)} reconnects, the longest {max(everybody.away_s):.2f} s;"
        f" {len(everybody.late_ms)} flags, the latest {max(everybody.late_ms):.0f} ms"
    )

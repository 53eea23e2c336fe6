"""Run a service under load through a fault and check its behaviour during and after it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import httpx

from tests.resilience.faults.attempt_log import AttemptLog, every_player_has, now
from tests.resilience.faults.audit_trail import AuditTrail
from tests.resilience.faults.followers import SessionFollower, Transport, following
from tests.resilience.faults.players import Player

LIMIT_S = 20.0
"""The longest that an answer may take, and the recovery after a fault.

The service promises 2 s; a test machine may be slower. An answer that waits for the end of the
fault never comes, because the fault lasts until every player has got answers.
"""

MOVES = ("switch with retries", "switch", "adjust with retries", "read")

_TIMEOUT_S = 120.0
_SESSIONS = 2

Injector = Callable[[], AbstractContextManager[object]]
"""Applies a fault for the length of a block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A service under test and the means to observe it."""

    urls: Sequence[str]
    """Of its instances; players are distributed over them in turn."""
    transports: Sequence[Transport]
    trail: AuditTrail
    players: int = 4
    """Players that change the sessions, an equal number in each."""


@dataclass
class FaultRun:
    """The record of one run; times are in s, by `now()`."""

    deployment: Deployment
    log: AttemptLog = field(default_factory=AttemptLog)
    players: list[Player] = field(default_factory=list)
    followers: list[SessionFollower] = field(default_factory=list)
    warmed_up_at: float = 0.0
    fault_began_at: float = 0.0
    fault_ended_at: float = 0.0

    @property
    def sessions(self) -> set[str]:
        """The ids of the sessions that players change."""
        return {player.session_id for player in self.players if player.session_id}

    def all_answered(self, times: int, since: float) -> bool:
        """Whether each player got `times` answers to requests sent after `since`."""
        attempts = [a for a in self.log.attempts if a.started_at > since]
        return every_player_has(attempts, len(self.players), times)

    def all_succeeded(self, times: int, since: float) -> bool:
        """Whether each player made `times` successful changes that were answered after `since`."""
        return every_player_has(self.log.successes(since=since), len(self.players), times)


async def run_with_fault(
    deployment: Deployment,
    inject: Injector,
    *,
    moves: Sequence[str] = MOVES,
    latency_s: float = 0.0,
    healthy_s: float = 0.0,
    fault_s: float = 0.4,
    written_within_s: float = 30.0,
    during_fault: Callable[[], Awaitable[None]] | None = None,
) -> FaultRun:
    """Run a service before, during and after a fault, and check that it keeps its guarantees.

    It works for at least `healthy_s` before the fault. The fault lasts for at least `fault_s`,
    until each player has got two answers and `during_fault` has returned. It may add `latency_s`
    to an answer. The trail must be complete `written_within_s` after the end of the fault.
    """
    run = FaultRun(deployment)
    async with asyncio.timeout(_TIMEOUT_S), clients(run, written_within_s), _playing(run, moves):
        await run.log.wait_until(lambda: run.all_succeeded(4, 0))
        run.warmed_up_at = now()
        await asyncio.sleep(healthy_s)
        await run.log.wait_until(lambda: run.all_succeeded(4, run.warmed_up_at))
        with inject():
            run.fault_began_at = now()
            await asyncio.gather(
                _keep_fault(run, fault_s), *([during_fault()] if during_fault else [])
            )
        run.fault_ended_at = now()
        recovered = run.log.wait_until(lambda: run.all_succeeded(1, run.fault_ended_at))
        await _within("every player succeeds again", recovered, run.fault_ended_at + LIMIT_S)
    run.log.check_durations(LIMIT_S + latency_s, since=run.warmed_up_at)
    deployment.trail.check(run.log)
    return run


async def _keep_fault(run: FaultRun, fault_s: float) -> None:
    await asyncio.sleep(fault_s)
    await run.log.wait_until(lambda: run.all_answered(2, run.fault_began_at))


@asynccontextmanager
async def clients(run: FaultRun, written_within_s: float) -> AsyncIterator[None]:
    """Connect players and followers. At the end, check that each follower knows the newest version
    of its session, and that the trail holds those versions and every successful change."""
    async with AsyncExitStack() as stack:
        for number, url in zip(range(run.deployment.players + 1), cycle(run.deployment.urls)):
            http = await stack.enter_async_context(
                httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S)
            )
            run.players.append(Player(number, http, run.log))
        for first in range(_SESSIONS):
            await _begin_session(run.players[first::_SESSIONS])
        for session_id in run.sessions:
            followers = following(session_id, *run.deployment.transports)
            run.followers += await stack.enter_async_context(followers)
        yield
        await _within(
            "every follower is current",
            _followers_are_current(run),
            run.fault_ended_at + LIMIT_S,
        )
        written = run.deployment.trail.until(await _versions(run), run.log)
        await _within("the trail is complete", written, run.fault_ended_at + written_within_s)


async def _versions(run: FaultRun) -> dict[str, int]:
    return {p.session_id: await p.version() for p in run.players[:_SESSIONS]}


async def _followers_are_current(run: FaultRun) -> None:
    versions = await _versions(run)
    await asyncio.gather(*(f.wait_for(versions[f.session_id]) for f in run.followers))


async def _within(expectation: str, work: Coroutine[Any, Any, None], deadline: float) -> None:
    """Assert that `work` is done by `deadline`, a time of `now()`."""
    try:
        async with asyncio.timeout_at(deadline):
            await work
    except TimeoutError:
        raise AssertionError(f"not in time: {expectation}") from None


async def _begin_session(players: Sequence[Player]) -> None:
    session_id = await players[0].create()
    for player in players:
        player.session_id = session_id
    await players[0].start()


@asynccontextmanager
async def _playing(run: FaultRun, moves: Sequence[str]) -> AsyncIterator[None]:
    """Let all players make `moves`, but the last one create sessions; wait for all at the end."""
    ended = asyncio.Event()
    *players, creator = run.players
    async with asyncio.TaskGroup() as group:
        for player in players:
            group.create_task(player.play(ended, moves))
        group.create_task(creator.play(ended, ("create",)))
        yield
        ended.set()

"""One ordeal: a service at work, something that goes wrong, and the way back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import httpx

from tests.resilience.faults.attempt_log import Ledger, each_player, now
from tests.resilience.faults.audit_trail import AuditTrail
from tests.resilience.faults.followers import Follower, Following, following
from tests.resilience.faults.players import Player

PROMISE_S = 2.0
"""To answer, and to be well again."""

MOVES = ("switch for sure", "switch", "adjust for sure", "read")

_PATIENCE_S = 30.0
_SESSIONS = 2

Strike = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A service, and what looks at it."""

    urls: Sequence[str]
    """Of its instances; players take turns in choosing one."""
    followings: Sequence[Following]
    trail: AuditTrail
    players: int = 4
    """Those who change sessions, two of them one session."""


@dataclass
class Trial:
    """What happened when; times are those of the ledger."""

    stage: Stage
    ledger: Ledger = field(default_factory=Ledger)
    players: list[Player] = field(default_factory=list)
    followers: list[Follower] = field(default_factory=list)
    warm: float = 0.0
    struck: float = 0.0
    ended: float = 0.0

    @property
    def sessions(self) -> set[str]:
        """Those that are played."""
        return {player.session_id for player in self.players if player.session_id}

    def all_have(self, times: int, since: float) -> bool:
        """Whether every player has got that many answers to what it asked since then."""
        asked = [a for a in self.ledger.attempts if a.begun > since]
        return each_player(asked, len(self.players), times)

    def all_succeed(self, times: int, since: float) -> bool:
        """Whether every player was told since then of that many changes."""
        return each_player(self.ledger.successes(since=since), len(self.players), times)


async def endure(
    stage: Stage,
    strike: Strike,
    *,
    moves: Sequence[str] = MOVES,
    latency_s: float = 0.0,
    calm_s: float = 0.0,
    lasting_s: float = 0.4,
    written_within_s: float = 5.0,
    meanwhile: Callable[[], Awaitable[None]] | None = None,
) -> Trial:
    """Let a service work, fail and be well again, and check that it kept what it promises.

    All goes well for at least `calm_s`. The fault lasts for at least `lasting_s`, until every
    player has been answered twice, and until `meanwhile` has been done; it adds `latency_s` of its
    own to the way of one answer. All is in the trail `written_within_s` after its end.
    """
    trial = Trial(stage)
    async with asyncio.timeout(_PATIENCE_S), cast(trial, written_within_s), _at_play(trial, moves):
        await trial.ledger.until(lambda: trial.all_succeed(4, 0))
        trial.warm = now()
        await asyncio.sleep(calm_s)
        await trial.ledger.until(lambda: trial.all_succeed(4, trial.warm))
        with strike():
            trial.struck = now()
            await asyncio.gather(_suffer(trial, lasting_s), *([meanwhile()] if meanwhile else []))
        trial.ended = now()
        recovered = trial.ledger.until(lambda: trial.all_succeed(1, trial.ended))
        await _in_time("every player succeeds again", recovered, trial.ended + PROMISE_S)
    trial.ledger.check_in_time(PROMISE_S + latency_s, since=trial.warm)
    stage.trail.check(trial.ledger)
    return trial


async def _suffer(trial: Trial, lasting_s: float) -> None:
    await asyncio.sleep(lasting_s)
    await trial.ledger.until(lambda: trial.all_have(2, trial.struck))


@asynccontextmanager
async def cast(trial: Trial, written_within_s: float) -> AsyncIterator[None]:
    """Players and followers; in the end, check that all followers know all changes of their
    sessions, and that the trail holds these and every other change that was answered."""
    async with AsyncExitStack() as stack:
        for number, url in zip(range(trial.stage.players + 1), cycle(trial.stage.urls)):
            http = await stack.enter_async_context(
                httpx.AsyncClient(base_url=url, timeout=_PATIENCE_S)
            )
            trial.players.append(Player(number, http, trial.ledger))
        for first in range(_SESSIONS):
            await _begin_session(trial.players[first::_SESSIONS])
        for session_id in trial.sessions:
            ways = following(session_id, *trial.stage.followings)
            trial.followers += await stack.enter_async_context(ways)
        yield
        await _in_time("every follower knows it all", _followed(trial), trial.ended + PROMISE_S)
        written = trial.stage.trail.until(await _versions(trial), trial.ledger)
        await _in_time("the trail holds it all", written, trial.ended + written_within_s)


async def _versions(trial: Trial) -> dict[str, int]:
    return {p.session_id: await p.version() for p in trial.players[:_SESSIONS]}


async def _followed(trial: Trial) -> None:
    versions = await _versions(trial)
    await asyncio.gather(*(f.until(versions[f.session_id]) for f in trial.followers))


async def _in_time(what: str, work: Coroutine[Any, Any, None], until: float) -> None:
    """Assert that `work` is done by then, on the clock of a ledger."""
    try:
        async with asyncio.timeout_at(until):
            await work
    except TimeoutError:
        raise AssertionError(f"not in time: {what}") from None


async def _begin_session(players: Sequence[Player]) -> None:
    session_id = await players[0].found()
    for player in players:
        player.session_id = session_id
    await players[0].start()


@asynccontextmanager
async def _at_play(trial: Trial, moves: Sequence[str]) -> AsyncIterator[None]:
    """All players at work, the last one founding sessions; ends when all have finished."""
    ended = asyncio.Event()
    *players, founder = trial.players
    async with asyncio.TaskGroup() as group:
        for player in players:
            group.create_task(player.play(ended, moves))
        group.create_task(founder.play(ended, ("found",)))
        yield
        ended.set()

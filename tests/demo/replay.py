"""Replays a game with two players and three spectators."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from synckairos import ApiError

from tests.demo.client import DemoClient
from tests.demo.errors import DemoError, refused_error
from tests.demo.player import PlayerClient
from tests.demo.recording import SIDES, AcceleratedGame, side_to_move
from tests.demo.statistics import ReplayStatistics
from tests.demo.transports import ReplayTransport, transport_for

_SPECTATORS = 3
_SAMPLE_EVERY_S = 0.04
_TIMEOUT_S = 5.0
"""Longest wait for the start, and for the end after all time has run out."""


Display = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Replay:
    """One session and its five connected clients."""

    game: AcceleratedGame
    session_id: str
    way: ReplayTransport
    players: tuple[PlayerClient, PlayerClient]
    clients: tuple[DemoClient, ...]
    journal: ReplayStatistics

    def clocks_ms(self, client: DemoClient, instant: float) -> tuple[float, ...]:
        """Return White's and Black's clock on `client` at `instant` on `time.monotonic()` (s)."""
        return tuple(client.remaining_ms(p.participant_id, instant) for p in self.players)

    @property
    def move(self) -> int:
        """The current move on the first client, counted from 0."""
        state = self.clients[0].state
        return min(max(0, state["cycle_number"] - 1), self.game.moves) if state else 0


@asynccontextmanager
async def connect_replay(game: AcceleratedGame, url: str) -> AsyncIterator[Replay]:
    """Connect five clients to a session that does not exist yet. Raises `DemoError`."""
    session_id = str(uuid4())
    address = (url, session_id)
    white, black = (PlayerClient(side, str(uuid4()), *address, game) for side in SIDES)
    spectators = [DemoClient(f"Spectator {n + 1}", *address) for n in range(_SPECTATORS)]
    clients = (white, black, *spectators)
    async with AsyncExitStack() as stack:
        for client in clients:
            await stack.enter_async_context(client)
        way = transport_for(white.transport)
        yield Replay(game, session_id, way, (white, black), clients, ReplayStatistics())


async def play(replay: Replay, show: Display) -> None:
    """Play the game to its end, while `show` displays it. Raises `DemoError`."""
    try:
        await _play(replay, show)
    except ExceptionGroup as failures:
        # When the service dies, every client fails for the same reason; report one.
        raise failures.exceptions[0] from None
    if replay.journal.moves < replay.game.moves:
        raise _ended_early(replay)


async def _play(replay: Replay, show: Display) -> None:
    async with asyncio.TaskGroup() as group:
        followers = [group.create_task(client.until_over()) for client in replay.clients]
        await _start_session(replay)
        observers = [group.create_task(_sample(replay)), group.create_task(show())]
        for player in replay.players:
            group.create_task(player.play(replay.journal))
        await _wait_for_end(replay.game, followers)
        for task in observers:
            task.cancel()


async def _start_session(replay: Replay) -> None:
    """Create and start the session, and wait until all clients know it."""
    host = replay.players[0]
    try:
        await host.service.create(_create_body(replay))
        await host.session.start()
    except ApiError as error:
        raise refused_error("start the game", error) from error
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            for client in replay.clients:
                await client.until_begun()
    except TimeoutError:
        raise DemoError("The start of the game didn't reach every client.") from None


def _create_body(replay: Replay) -> dict[str, Any]:
    game = replay.game
    return {
        "session_id": replay.session_id,
        "sync_mode": "per_participant",
        "participants": [
            {"participant_id": player.participant_id, "total_time_ms": game.bank_ms}
            for player in replay.players
        ],
        "increment_ms": game.increment_ms,
        "action_on_timeout": {"type": "end_session", "winner_by": "time"},
    }


async def _sample(replay: Replay) -> None:
    """Compare the clocks of all clients at one instant, periodically, until cancelled."""
    while True:
        instant = time.monotonic()
        readings = [
            (client.state["version"], replay.clocks_ms(client, instant))
            for client in replay.clients
            if client.state
        ]
        replay.journal.sample(readings)
        await asyncio.sleep(_SAMPLE_EVERY_S)


async def _wait_for_end(game: AcceleratedGame, followers: Sequence[asyncio.Task[None]]) -> None:
    """Wait until every client knows that the game ended, at most until both clocks run out."""
    longest_s = (2 * game.bank_ms + game.moves * game.increment_ms) / 1000
    try:
        async with asyncio.timeout(longest_s + _TIMEOUT_S):
            await asyncio.gather(*followers)
    except TimeoutError:
        raise DemoError("The end of the game didn't reach every client.") from None


def _ended_early(replay: Replay) -> DemoError:
    moves, speed = replay.journal.moves, replay.game.speed
    return DemoError(
        f"{side_to_move(moves)}'s flag fell on move {moves + 1} of {replay.game.moves}: at speed"
        f" {speed:g} the shortest thinking times are shorter than a round trip."
        f" Try --speed {speed / 2:g} or another --game."
    )

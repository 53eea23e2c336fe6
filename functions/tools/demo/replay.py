"""A game between two players, followed by three spectators."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from synckairos import ApiError

from functions.tools.demo.client import Client
from functions.tools.demo.failure import DemoFailed, refusal
from functions.tools.demo.journal import Journal
from functions.tools.demo.player import Player
from functions.tools.demo.recording import SIDES, FastGame, mover
from functions.tools.demo.ways import Way, way_of

_SPECTATORS = 3
_SAMPLE_EVERY_S = 0.04
_PATIENCE_S = 5.0
"""How long the end may be overdue before we stop waiting for it."""


Show = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Replay:
    """One session and its five clients, all connected."""

    game: FastGame
    session_id: str
    way: Way
    players: tuple[Player, Player]
    clients: tuple[Client, ...]
    journal: Journal

    def clocks_ms(self, client: Client, instant: float) -> tuple[float, ...]:
        """White's clock and Black's, as `client` reads them at `instant`."""
        return tuple(client.remaining_ms(p.participant_id, instant) for p in self.players)

    @property
    def move(self) -> int:
        """The move that is being thought about, as the first client knows, counted from 0."""
        state = self.clients[0].state
        return min(max(0, state["cycle_number"] - 1), self.game.moves) if state else 0


@asynccontextmanager
async def replay_of(game: FastGame, url: str) -> AsyncIterator[Replay]:
    """Five clients in the lobby of a session that is still to be created."""
    session_id = str(uuid4())
    place = (url, session_id)
    white, black = (Player(side, str(uuid4()), *place, game) for side in SIDES)
    spectators = [Client(f"Spectator {n + 1}", *place) for n in range(_SPECTATORS)]
    clients = (white, black, *spectators)
    async with AsyncExitStack() as stack:
        for client in clients:
            await stack.enter_async_context(client)
        way = way_of(white.transport)
        yield Replay(game, session_id, way, (white, black), clients, Journal())


async def run(replay: Replay, show: Show) -> None:
    """Play the game to its end, while `show` tells of it. Raises `DemoFailed`."""
    try:
        await _play(replay, show)
    except ExceptionGroup as failures:
        # When a service dies everybody complains; one is enough.
        raise failures.exceptions[0] from None
    if replay.journal.moves < replay.game.moves:
        raise _cut_short(replay)


async def _play(replay: Replay, show: Show) -> None:
    async with asyncio.TaskGroup() as group:
        following = [group.create_task(client.until_over()) for client in replay.clients]
        await _open(replay)
        watching = [group.create_task(_sample(replay)), group.create_task(show())]
        for player in replay.players:
            group.create_task(player.play(replay.journal))
        await _end_of(replay.game, following)
        for task in watching:
            task.cancel()


async def _open(replay: Replay) -> None:
    """Create the session, start it, and see that everybody knows."""
    host = replay.players[0]
    try:
        await host.service.create(_creation(replay))
        await host.session.start()
    except ApiError as error:
        raise refusal("begin the game", error) from error
    try:
        async with asyncio.timeout(_PATIENCE_S):
            for client in replay.clients:
                await client.until_begun()
    except TimeoutError:
        raise DemoFailed("The start of the game didn't reach every client.") from None


def _creation(replay: Replay) -> dict[str, Any]:
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
    """Compare all five, read at one instant, until cancelled."""
    while True:
        instant = time.monotonic()
        readings = [
            (client.state["version"], replay.clocks_ms(client, instant))
            for client in replay.clients
            if client.state
        ]
        replay.journal.sample(readings)
        await asyncio.sleep(_SAMPLE_EVERY_S)


async def _end_of(game: FastGame, following: Sequence[asyncio.Task[None]]) -> None:
    """Wait for the end to reach every client; a clock can't run for longer than all its time."""
    longest_s = (2 * game.bank_ms + game.moves * game.increment_ms) / 1000
    try:
        async with asyncio.timeout(longest_s + _PATIENCE_S):
            await asyncio.gather(*following)
    except TimeoutError:
        raise DemoFailed("The end of the game didn't reach every client.") from None


def _cut_short(replay: Replay) -> DemoFailed:
    moves, speed = replay.journal.moves, replay.game.speed
    return DemoFailed(
        f"{mover(moves)}'s flag fell on move {moves + 1} of {replay.game.moves}: at {speed:g} times"
        " the speed the round trips here outlast the shortest thinking times;"
        f" try --speed {speed / 2:g}, or another --game."
    )

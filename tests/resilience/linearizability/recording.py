"""Clients of two instances at once, and the record of what each asked for and saw."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import count
from random import Random
from typing import TypeVar

import httpx

from infra.local.instance import Instance
from tests.resilience.linearizability.checker import Operation
from tests.resilience.linearizability.exchange import Answer, Asked, Verb
from tests.resilience.linearizability.lossy_proxy import Fate, lossy_proxy
from tests.resilience.linearizability.table import Table
from tests.resilience.linearizability.wire import exchange

CLIENTS = 4
REQUESTS = 5
_IMPATIENCE_S = 0.004

T = TypeVar("T")
Record = Operation[Asked, Answer]
_FATES = {Fate.ARRIVES: 84, Fate.ANSWER_LOST: 6, Fate.NEVER_ARRIVES: 3, Fate.GIVEN_UP: 7}


class Key(StrEnum):
    """How often a request is sent under its idempotency key."""

    NONE = "no key"
    RETRIED = "again where the answer was lost"
    REPEATED = "again in any case"
    DOUBLED = "to both instances at once"
    MISUSED = "again, for another request"


_KEYS = {Key.NONE: 60, Key.RETRIED: 20, Key.REPEATED: 7, Key.DOUBLED: 10, Key.MISUSED: 3}


@dataclass(frozen=True, slots=True)
class Lines:
    """Two instances, and a way to the second of them on which things get lost."""

    instances: tuple[httpx.AsyncClient, httpx.AsyncClient]
    lossy: httpx.AsyncClient


@asynccontextmanager
async def lines(instances: tuple[Instance, Instance]) -> AsyncIterator[Lines]:
    """Clients of both instances; what gets lost does so before the second."""
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(lossy_proxy(instances[1].port))
        urls = [*(instance.url for instance in instances), f"http://127.0.0.1:{port}"]
        one, two, lossy = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=url)) for url in urls
        ]
        yield Lines((one, two), lossy)


async def record(seed: int, over: Lines) -> list[Record]:
    """One session from its creation, with everything that its clients did to it."""
    table = Table.laid(Random(seed))
    history: list[Record] = []
    host = Client("host", table, over, history, Random(seed))
    await host.perform(Asked(Verb.CREATE, opening=table.opening))
    await host.perform(Asked(Verb.START))
    players = [
        Client(f"client {n}", table, over, history, Random(f"{seed} {n}")) for n in range(CLIENTS)
    ]
    await asyncio.gather(*(player.play() for player in players))
    await host.perform(Asked(Verb.READ))
    return history


@dataclass(slots=True)
class Client:
    """One who asks for one thing after the other, save where a request is sent twice at once."""

    name: str
    table: Table
    lines: Lines
    history: list[Record]
    dice: Random
    version: int = 2
    active: str | None = None
    _numbers: "count[int]" = field(default_factory=count)

    async def play(self) -> None:
        """Ask for `REQUESTS` things."""
        for _ in range(REQUESTS):
            asked = self.table.request(self.dice, self.version, self.active)
            await self._send(asked, _pick(self.dice, _KEYS) if asked.verb.changes else Key.NONE)

    async def _send(self, asked: Asked, use: Key) -> None:
        keyed = replace(asked, key=f"{self.name} {next(self._numbers)}".replace(" ", "-"))
        match use:
            case Key.NONE:
                await self.perform(asked, _pick(self.dice, _FATES))
            case Key.DOUBLED:
                await asyncio.gather(*(self.perform(keyed, to=n) for n in (0, 1)))
            case Key.RETRIED if await self.perform(keyed, _pick(self.dice, _FATES)):
                pass
            case Key.RETRIED:
                await self.perform(keyed)
            case _:
                await self.perform(keyed, _pick(self.dice, _FATES))
                other = Asked(Verb.SWITCH, key=keyed.key)
                await self.perform(other if use is Key.MISUSED else keyed)

    async def perform(
        self, asked: Asked, fate: Fate = Fate.ARRIVES, to: int | None = None
    ) -> Answer | None:
        """Ask once, and put it on record."""
        number = self.dice.randrange(2) if to is None else to
        invoked = time.monotonic_ns()
        seen = await self._fare(asked, fate, self.lines.instances[number])
        answered = time.monotonic_ns() if seen else None
        self.history.append(Operation(self.name, asked, invoked, answered, seen))
        if seen and seen.shown:
            self.version, self.active = seen.shown.version, seen.shown.active
        return seen

    async def _fare(self, asked: Asked, fate: Fate, http: httpx.AsyncClient) -> Answer | None:
        session_id = self.table.session_id
        match fate:
            case Fate.ARRIVES:
                return await exchange(http, session_id, asked)
            case Fate.GIVEN_UP:
                return await exchange(http, session_id, asked, patience_s=_IMPATIENCE_S)
            case _:
                return await exchange(self.lines.lossy, session_id, asked, note=fate)


def _pick(dice: Random, weights: Mapping[T, int]) -> T:
    return dice.choices(list(weights), list(weights.values()))[0]

"""Let concurrent clients of two instances use a session, and record their requests and answers."""

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
from tests.resilience.linearizability.table import RandomSession
from tests.resilience.linearizability.wire import send
from tests.support.fault_proxy.faults import Loss
from tests.support.fault_proxy.proxy import faulty_proxy

CLIENTS = 4
REQUESTS = 5
"""Requests per client."""
_SHORT_TIMEOUT_S = 0.004

T = TypeVar("T")


class Delivery(StrEnum):
    """What happens to a request on its way; the value marks the request in a header."""

    NORMAL = "delivery-normal"
    ANSWER_DROPPED = "delivery-answer-dropped"
    REQUEST_DROPPED = "delivery-request-dropped"
    ABANDONED = "delivery-abandoned"
    """The client times out before the answer comes."""


Record = Operation[Asked, Answer]
_DELIVERIES = {
    Delivery.NORMAL: 84,
    Delivery.ANSWER_DROPPED: 6,
    Delivery.REQUEST_DROPPED: 3,
    Delivery.ABANDONED: 7,
}


class KeyUse(StrEnum):
    """Whether a request has an idempotency key, and how often it is sent with that key."""

    NONE = "no key"
    RETRIED = "again if the answer was lost"
    REPEATED = "again in any case"
    CONCURRENT = "to both instances at once"
    REUSED = "again, for another request"


_KEY_USES = {
    KeyUse.NONE: 60,
    KeyUse.RETRIED: 20,
    KeyUse.REPEATED: 7,
    KeyUse.CONCURRENT: 10,
    KeyUse.REUSED: 3,
}


@dataclass(frozen=True, slots=True)
class Connections:
    """HTTP clients for two instances, and one for the second instance behind a lossy proxy."""

    instances: tuple[httpx.AsyncClient, httpx.AsyncClient]
    lossy: httpx.AsyncClient


@asynccontextmanager
async def connected(instances: tuple[Instance, Instance]) -> AsyncIterator[Connections]:
    """Connections to both instances, to the end of the block."""
    async with AsyncExitStack() as stack:
        proxy = stack.enter_context(faulty_proxy(instances[1].port))
        stack.enter_context(proxy.dropping_replies(Delivery.ANSWER_DROPPED.encode(), Loss.RESET))
        stack.enter_context(proxy.dropping_requests(Delivery.REQUEST_DROPPED.encode()))
        urls = [*(instance.url for instance in instances), f"http://127.0.0.1:{proxy.port}"]
        one, two, lossy = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30))
            for url in urls
        ]
        yield Connections((one, two), lossy)


async def record(seed: int, connections: Connections) -> list[Record]:
    """Record the history of one session, from its creation."""
    session = RandomSession.generate(Random(seed))
    history: list[Record] = []
    host = Client("host", session, connections, history, Random(seed))
    await host.perform(Asked(Verb.CREATE, opening=session.opening))
    await host.perform(Asked(Verb.START))
    players = [
        Client(f"client {n}", session, connections, history, Random(f"{seed} {n}"))
        for n in range(CLIENTS)
    ]
    await asyncio.gather(*(player.play() for player in players))
    await host.perform(Asked(Verb.READ))
    return history


@dataclass(slots=True)
class Client:
    """A client that sends one request after the other, except for `KeyUse.CONCURRENT`."""

    name: str
    session: RandomSession
    connections: Connections
    history: list[Record]
    rng: Random
    version: int = 2
    active: str | None = None
    _numbers: "count[int]" = field(default_factory=count)

    async def play(self) -> None:
        """Make `REQUESTS` random requests."""
        for _ in range(REQUESTS):
            asked = self.session.request(self.rng, self.version, self.active)
            await self._use_key(
                asked, _pick(self.rng, _KEY_USES) if asked.verb.changes else KeyUse.NONE
            )

    async def _use_key(self, asked: Asked, use: KeyUse) -> None:
        keyed = replace(asked, key=f"{self.name} {next(self._numbers)}".replace(" ", "-"))
        match use:
            case KeyUse.NONE:
                await self.perform(asked, _pick(self.rng, _DELIVERIES))
            case KeyUse.CONCURRENT:
                await asyncio.gather(*(self.perform(keyed, to=n) for n in (0, 1)))
            case KeyUse.RETRIED if await self.perform(keyed, _pick(self.rng, _DELIVERIES)):
                pass
            case KeyUse.RETRIED:
                await self.perform(keyed)
            case _:
                await self.perform(keyed, _pick(self.rng, _DELIVERIES))
                other = Asked(Verb.SWITCH, key=keyed.key)
                await self.perform(other if use is KeyUse.REUSED else keyed)

    async def perform(
        self, asked: Asked, delivery: Delivery = Delivery.NORMAL, to: int | None = None
    ) -> Answer | None:
        """Send a request once and record it."""
        number = self.rng.randrange(2) if to is None else to
        invoked_ns = time.monotonic_ns()
        answer = await self._send(asked, delivery, self.connections.instances[number])
        answered_ns = time.monotonic_ns() if answer else None
        self.history.append(Operation(self.name, asked, invoked_ns, answered_ns, answer))
        if answer and answer.session:
            self.version, self.active = answer.session.version, answer.session.active
        return answer

    async def _send(
        self, asked: Asked, delivery: Delivery, http: httpx.AsyncClient
    ) -> Answer | None:
        session_id = self.session.session_id
        match delivery:
            case Delivery.NORMAL:
                return await send(http, session_id, asked)
            case Delivery.ABANDONED:
                return await send(http, session_id, asked, timeout_s=_SHORT_TIMEOUT_S)
            case _:
                return await send(self.connections.lossy, session_id, asked, marker=delivery)


def _pick(rng: Random, weights: Mapping[T, int]) -> T:
    return rng.choices(list(weights), list(weights.values()))[0]

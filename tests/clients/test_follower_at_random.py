"""A client that is told of changes late, twice, out of order or not at all ends with the newest."""

import heapq
import random
from itertools import count, pairwise
from typing import Any

import pytest
from synckairos.effects import Effect, Emit, Ping, Read, Resync
from synckairos.events import Update
from synckairos.follower import Follower
from synckairos.states import Kind

from tests.clients.states import T0, pong, session, sync, update

_CHANGES, _OVER_MS = 40, 6_000
_LOST, _DOUBLED = 0.1, 0.05
_SLOWEST_PUSH_MS, _SLOWEST_ANSWER_MS = 120, 60
_WITHIN_MS = 1_000.0
_SEEDS = 60


class World:
    """A server, a network, a client and a queue of what happens when, ms."""

    def __init__(self, kind: Kind, dice: random.Random) -> None:
        self.follower = Follower(dice.random)
        self.kind = kind
        self.newest = 2
        self.told: list[int] = []
        self.reads = 0
        self._dice = dice
        self._queue: list[tuple[float, int, str, Any]] = []
        self._order = count()
        self.follower.joined(kind, 0)
        self.at(1, "message", sync(2) if kind != "supabase" else None)
        for when in sorted(dice.uniform(10, _OVER_MS) for _ in range(_CHANGES)):
            self.at(when, "change", None)

    def at(self, when: float, what: str, with_: Any) -> None:
        """Let something happen."""
        heapq.heappush(self._queue, (when, next(self._order), what, with_))

    def run(self, until: float) -> float | None:
        """Let everything happen; when the newest state was there for good, None: never."""
        arrived = None
        now = 0.0
        while now <= until:
            now = self._step(now)
            if self.told and self.told[-1] == self.newest:
                arrived = now if arrived is None else arrived
            else:
                arrived = None
        return arrived

    def _step(self, now: float) -> float:
        due = max(now, self.follower.due(now, T0 + now))
        if self._queue and self._queue[0][0] <= due:
            when, _, what, with_ = heapq.heappop(self._queue)
            self._happen(when, what, with_)
            return when
        self._obey(self.follower.tick(due, T0 + due), due)
        return due

    def _happen(self, now: float, what: str, with_: Any) -> None:
        if what == "change":
            self.newest += 1
            self._push(now)
        elif what == "message" and with_:
            self._obey(self.follower.receive(with_, now), now)
        elif what == "read":
            held = self.follower.state
            state = None if held and held["version"] == with_ else _state(with_)
            self._obey(self.follower.read_found(state, now), now)

    def _push(self, now: float) -> None:
        for _ in range(1 + (self._dice.random() < _DOUBLED)):
            if self._dice.random() >= _LOST:
                late = self._dice.uniform(1, _SLOWEST_PUSH_MS)
                self.at(now + late, "message", update(self.newest, deadline_at=None))

    def _obey(self, effects: list[Effect], now: float) -> None:
        soon = now + self._dice.uniform(1, _SLOWEST_ANSWER_MS)
        for effect in effects:
            match effect:
                case Emit(Update(state=state)):
                    self.told.append(state["version"])
                case Read():
                    self.reads += 1
                    self.at(soon, "read", self.newest)
                case Ping():
                    self.at(soon, "message", pong(self.newest))
                case Resync():
                    self.at(soon, "message", sync(self.newest, deadline_at=None))


def _state(version: int) -> Any:
    return session(version, deadline_at=None)


@pytest.mark.parametrize("kind", ["supabase", "websocket", "sse"])
def test_it_ends_with_the_newest_and_never_goes_back(kind: Kind) -> None:
    for seed in range(_SEEDS):
        world = World(kind, random.Random(f"{kind}{seed}"))
        arrived = world.run(_OVER_MS + 3_000)
        assert arrived is not None, seed
        assert arrived <= _OVER_MS + _WITHIN_MS, seed
        assert all(one < two for one, two in pairwise(world.told)), seed
        assert world.reads < _CHANGES, seed

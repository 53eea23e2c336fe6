"""A client ends with the newest state if random pushes are late, duplicated, reordered or lost."""

import heapq
import random
from itertools import count, pairwise
from typing import Any

import pytest
from synckairos.api_types import TransportName
from synckairos.effects import Effect, Emit, Ping, Read, Resync
from synckairos.events import Update
from synckairos.session_logic import SessionLogic

from tests.clients.states import T0, pong_message, session_state, sync_message, update_message

_CHANGES, _LAST_CHANGE_MS = 40, 6_000
_LOSS, _DUPLICATION = 0.1, 0.05
_MAX_PUSH_DELAY_MS, _MAX_RESPONSE_MS = 120, 60
_WITHIN_MS = 1_000.0
_SEEDS = 60


class Simulation:
    """A server, a network, a client and a queue of future events, ms."""

    def __init__(self, kind: TransportName, rng: random.Random) -> None:
        self.logic = SessionLogic(rng.random)
        self.kind = kind
        self.newest = 2
        self.emitted: list[int] = []
        self.reads = 0
        self._rng = rng
        self._queue: list[tuple[float, int, str, Any]] = []
        self._order = count()
        self.logic.joined(kind, 0)
        self.schedule(1, "message", sync_message(2) if kind != "supabase" else None)
        for at in sorted(rng.uniform(10, _LAST_CHANGE_MS) for _ in range(_CHANGES)):
            self.schedule(at, "change", None)

    def schedule(self, at: float, event: str, payload: Any) -> None:
        """Add an event to the queue."""
        heapq.heappush(self._queue, (at, next(self._order), event, payload))

    def run(self, until: float) -> float | None:
        """Run until `until`; return since when the client has the newest state, or None."""
        current_since = None
        now = 0.0
        while now <= until:
            now = self._step(now)
            if self.emitted and self.emitted[-1] == self.newest:
                current_since = now if current_since is None else current_since
            else:
                current_since = None
        return current_since

    def _step(self, now: float) -> float:
        due = max(now, self.logic.due(now, T0 + now))
        if self._queue and self._queue[0][0] <= due:
            at, _, event, payload = heapq.heappop(self._queue)
            self._handle(at, event, payload)
            return at
        self._execute(self.logic.tick(due, T0 + due), due)
        return due

    def _handle(self, now: float, event: str, payload: Any) -> None:
        if event == "change":
            self.newest += 1
            self._push(now)
        elif event == "message" and payload:
            self._execute(self.logic.receive(payload, now), now)
        elif event == "read":
            held = self.logic.state
            state = None if held and held["version"] == payload else _state(payload)
            self._execute(self.logic.read_found(state, now), now)

    def _push(self, now: float) -> None:
        for _ in range(1 + (self._rng.random() < _DUPLICATION)):
            if self._rng.random() >= _LOSS:
                late = self._rng.uniform(1, _MAX_PUSH_DELAY_MS)
                self.schedule(now + late, "message", update_message(self.newest, deadline_at=None))

    def _execute(self, effects: list[Effect], now: float) -> None:
        response_at = now + self._rng.uniform(1, _MAX_RESPONSE_MS)
        for effect in effects:
            match effect:
                case Emit(Update(state=state)):
                    self.emitted.append(state["version"])
                case Read():
                    self.reads += 1
                    self.schedule(response_at, "read", self.newest)
                case Ping():
                    self.schedule(response_at, "message", pong_message(self.newest))
                case Resync():
                    self.schedule(
                        response_at, "message", sync_message(self.newest, deadline_at=None)
                    )


def _state(version: int) -> Any:
    return session_state(version, deadline_at=None)


@pytest.mark.parametrize("kind", ["supabase", "websocket", "sse"])
def test_a_client_ends_with_the_newest_state_and_never_goes_back(kind: TransportName) -> None:
    for seed in range(_SEEDS):
        simulation = Simulation(kind, random.Random(f"{kind}{seed}"))
        current_since = simulation.run(_LAST_CHANGE_MS + 3_000)
        assert current_since is not None, seed
        assert current_since <= _LAST_CHANGE_MS + _WITHIN_MS, seed
        assert all(one < two for one, two in pairwise(simulation.emitted)), seed
        assert simulation.reads < _CHANGES, seed

"""A client ends with the newest state if random pushes are late, duplicated, reordered or lost."""

import heapq
import random
from itertools import count, pairwise
from typing import Any

import pytest
from synckairos.api_types import Message, SessionState, TransportName
from synckairos.effects import Effect, Emit, Ping, Read, Resync
from synckairos.events import Update
from synckairos.session_logic import SessionLogic

from tests.clients.states import T0, participant, pong_message, session_state

_CHANGES, _LAST_CHANGE_MS = 40, 6_000
_LOSS, _DUPLICATION = 0.1, 0.05
_MAX_PUSH_DELAY_MS, _MAX_RESPONSE_MS = 120, 60
_WITHIN_MS = 1_000.0
_SEEDS = 60
_PEOPLE = ("ada", "ben", "cleo")


class Simulation:
    """A server, a network, a client and a queue of future events, ms."""

    def __init__(
        self, kind: TransportName, rng: random.Random, *, sends_differences: bool = False
    ) -> None:
        self._sends_differences = sends_differences
        self.logic = SessionLogic(rng.random)
        self.kind = kind
        self.newest = 2
        self.emitted: list[int] = []
        self.states: list[SessionState] = []
        self.reads = 0
        self._rng = rng
        self._queue: list[tuple[float, int, str, Any]] = []
        self._order = count()
        self.logic.joined(kind, 0)
        self.schedule(1, "message", _sync(2) if kind != "supabase" else None)
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
                self.schedule(now + late, "message", self._message())

    def _message(self) -> Message:
        newest = self.newest
        message: Message = {"type": "STATE_UPDATE", "cause": "participant_finished"}
        if not self._sends_differences:
            return {**message, "state": _state(newest)}
        changed = [_participant(newest % len(_PEOPLE), newest)]
        difference = {"since": newest - 1, "state": {**_state(newest), "participants": changed}}
        return {**message, "version": newest, "difference": difference}

    def _execute(self, effects: list[Effect], now: float) -> None:
        response_at = now + self._rng.uniform(1, _MAX_RESPONSE_MS)
        for effect in effects:
            match effect:
                case Emit(Update(state=state)):
                    self.emitted.append(state["version"])
                    self.states.append(state)
                case Read():
                    self.reads += 1
                    self.schedule(response_at, "read", self.newest)
                case Ping():
                    self.schedule(response_at, "message", pong_message(self.newest))
                case Resync():
                    self.schedule(response_at, "message", _sync(self.newest))


def _state(version: int) -> SessionState:
    """Return the state in which each version since the first one changed another participant."""
    people = [_participant(place, version) for place in range(len(_PEOPLE))]
    return session_state(version, deadline_at=None, participants=people)


def _participant(place: int, version: int) -> dict[str, Any]:
    changes = sum(each % len(_PEOPLE) == place for each in range(1, version + 1))
    return participant(_PEOPLE[place], 5_000, participant_index=place, cycle_count=changes)


def _sync(version: int) -> Message:
    return {"type": "STATE_SYNC", "state": _state(version)}


@pytest.mark.parametrize("sends_differences", [False, True], ids=["states", "differences"])
@pytest.mark.parametrize("kind", ["supabase", "websocket", "sse"])
def test_a_client_ends_with_the_newest_state_and_never_goes_back(
    kind: TransportName, sends_differences: bool
) -> None:
    for seed in range(_SEEDS):
        rng = random.Random(f"{kind}{seed}")
        simulation = Simulation(kind, rng, sends_differences=sends_differences)
        current_since = simulation.run(_LAST_CHANGE_MS + 3_000)
        assert current_since is not None, seed
        assert current_since <= _LAST_CHANGE_MS + _WITHIN_MS, seed
        assert all(one < two for one, two in pairwise(simulation.emitted)), seed
        assert simulation.states == [_state(version) for version in simulation.emitted], seed
        assert simulation.reads < _CHANGES, seed

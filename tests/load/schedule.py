"""When which request is sent, whatever becomes of those before it: an open model."""

import heapq
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.load.connection import request
from tests.load.scenarios import Scenario
from tests.load.targets import Target, laps

_SEED = 81
_THINKING_S = 2.5
"""What a person takes for one move, on average."""


class Timed(NamedTuple):
    """A request, due `at_s` after the beginning; `session` is the number of its session."""

    at_s: float
    kind: str
    session: int
    wire: bytes


def schedule(scenario: Scenario, targets: Sequence[Target]) -> Iterator[Timed]:
    """All requests of the run, in order."""
    chance = random.Random(_SEED)
    if scenario.pattern == "people":
        people = [_person(n, t, scenario.duration_s, chance) for n, t in enumerate(targets)]
        return heapq.merge(*people)
    return _steady(scenario, targets, chance)


def _steady(
    scenario: Scenario, targets: Sequence[Target], chance: random.Random
) -> Iterator[Timed]:
    """A constant rate, spread over all sessions."""
    switched = laps([n for n, target in enumerate(targets) if target.switchable], chance)
    kinds = ("read", "summary", "switch")
    reads, summaries = scenario.reads, scenario.summaries
    weights = (reads, summaries, 1 - reads - summaries)
    for number in range(round(scenario.duration_s * scenario.rate)):
        (kind,) = chance.choices(kinds, weights)
        session = next(switched) if kind == "switch" else chance.randrange(len(targets))
        yield _timed(number / scenario.rate, kind, session, targets[session])


def _person(session: int, target: Target, duration_s: float, chance: random.Random) -> list[Timed]:
    """One who creates a game, plays it at a human pace and ends it."""
    at_s = chance.uniform(0, min(5.0, duration_s / 4))
    found = [_timed(at_s, "create", session, target), _timed(at_s + 0.5, "start", session, target)]
    at_s += 1
    while (at_s := at_s + min(chance.expovariate(1 / _THINKING_S), 10.0)) < duration_s - 0.5:
        found.append(_timed(at_s, chance.choice(_OF_PEOPLE), session, target))
    return [*found, _timed(duration_s, "complete", session, target)]


_OF_PEOPLE = ("switch", "switch", "switch", "switch", "read", "summary")


def _timed(at_s: float, kind: str, session: int, target: Target) -> Timed:
    path = f"/v1/sessions/{target.session_id}"
    match kind:
        case "create":
            wire = request("POST", "/v1/sessions", target.body)
        case "read":
            wire = request("GET", path)
        case "summary":
            wire = request("GET", f"{path}/summary")
        case _:
            wire = request("POST", f"{path}/{kind}")
    return Timed(at_s, kind, session, wire)

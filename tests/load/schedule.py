"""The schedule of requests, independent of earlier responses (open model)."""

import heapq
import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from tests.load.connection import request
from tests.load.scenarios import Scenario
from tests.load.targets import Target, shuffled_rounds

_SEED = 81
_MOVE_S = 2.5
"""Average time that a person takes for one move."""


class ScheduledRequest(NamedTuple):
    """A request, due `at_s` after the start; `session` is the number of its session."""

    at_s: float
    kind: str
    session: int
    wire: bytes


def schedule(scenario: Scenario, targets: Sequence[Target]) -> Iterator[ScheduledRequest]:
    """Return all requests of the run by due time."""
    rng = random.Random(_SEED)
    if scenario.pattern == "people":
        people = [_user_requests(n, t, scenario.duration_s, rng) for n, t in enumerate(targets)]
        return heapq.merge(*people)
    if scenario.pattern == "finishes":
        return _finishes(scenario, targets)
    return _steady(scenario, targets, rng)


def _steady(
    scenario: Scenario, targets: Sequence[Target], rng: random.Random
) -> Iterator[ScheduledRequest]:
    """Yield requests at a constant rate, spread over all sessions."""
    to_switch = shuffled_rounds([n for n, target in enumerate(targets) if target.switchable], rng)
    kinds = ("read", "summary", "switch")
    reads, summaries = scenario.reads, scenario.summaries
    weights = (reads, summaries, 1 - reads - summaries)
    for number in range(round(scenario.duration_s * scenario.rate)):
        (kind,) = rng.choices(kinds, weights)
        session = next(to_switch) if kind == "switch" else rng.randrange(len(targets))
        yield _scheduled(number / scenario.rate, kind, session, targets[session])


def _finishes(scenario: Scenario, targets: Sequence[Target]) -> Iterator[ScheduledRequest]:
    """Yield the finish of each participant at a constant rate, of one session after the other."""
    most = round(scenario.duration_s * scenario.rate)
    finishers = (
        (session, target, participant)
        for place in range(scenario.participants)
        for session, target in enumerate(targets)
        for participant in target.participants[place : place + 1]
    )
    for number, (session, target, participant) in enumerate(islice(finishers, most)):
        path = f"/v1/sessions/{target.session_id}/participants/{participant}/finish"
        yield ScheduledRequest(number / scenario.rate, "finish", session, request("POST", path))


def _user_requests(
    session: int, target: Target, duration_s: float, rng: random.Random
) -> list[ScheduledRequest]:
    """Return the requests of a person who creates a game, plays it at a human pace and ends it."""
    at_s = rng.uniform(0, min(5.0, duration_s / 4))
    requests = [
        _scheduled(at_s, "create", session, target),
        _scheduled(at_s + 0.5, "start", session, target),
    ]
    at_s += 1
    while (at_s := at_s + min(rng.expovariate(1 / _MOVE_S), 10.0)) < duration_s - 0.5:
        requests.append(_scheduled(at_s, rng.choice(_USER_KINDS), session, target))
    return [*requests, _scheduled(duration_s, "complete", session, target)]


_USER_KINDS = ("switch", "switch", "switch", "switch", "read", "summary")


def _scheduled(at_s: float, kind: str, session: int, target: Target) -> ScheduledRequest:
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
    return ScheduledRequest(at_s, kind, session, wire)

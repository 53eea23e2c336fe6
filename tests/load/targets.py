"""The sessions of a run: a mix of modes that people use, running, with their deadlines armed."""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import msgspec

from tests.load.connection import Answer, Pool, request
from tests.load.failure import LoadFailed
from tests.load.scenarios import Scenario

_AT_ONCE = 24
_RETRY_S = 0.2
_RETRIES = 50
_SEED = 64
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Target:
    """A session; one that is not `switchable` ends by itself sooner or later."""

    session_id: str
    body: bytes
    switchable: bool = True


def targets(scenario: Scenario) -> list[Target]:
    """What to create: for runs of one size the same modes and times, with ids of their own."""
    chance = random.Random(_SEED)
    if scenario.mix == "games":
        return [_target(_game(chance)) for _ in range(scenario.sessions)]
    kinds = list(_KINDS)
    weights = [weight for weight, _ in _KINDS.values()]
    names = chance.choices(kinds, weights, k=scenario.sessions - 1)
    chosen = ["game", *names]  # at least one that can be switched, however few there are
    return [_target(_KINDS[name][1](chance), name != "blitz") for name in chosen]


def games(number: int, participants: int) -> list[Target]:
    """So many games of so many participants, in which no clock runs out."""
    people = [_people(participants, _DAY_MS // 2) for _ in range(number)]
    return [_target({"sync_mode": "per_participant", "participants": each}) for each in people]


async def begin(found: Sequence[Target], ports: Sequence[int], tell: Callable[[int], None]) -> None:
    """Create and start all of them, so many at once. Raises `LoadFailed`."""
    pools, left, done = [Pool(port) for port in ports], iter(enumerate(found)), 0

    async def work() -> None:
        nonlocal done
        for number, target in left:
            await _begin(pools[number % len(pools)], target)
            done += 1
            tell(done)

    try:
        await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    except (OSError, TimeoutError) as error:
        raise LoadFailed(f"Sessions can't be begun: {type(error).__name__}") from error
    finally:
        for pool in pools:
            pool.close()


async def versions(found: Sequence[Target], port: int) -> dict[int, int]:
    """The version of each session, by its number. Raises `LoadFailed`."""
    pool, left = Pool(port), iter(enumerate(found))
    seen: dict[int, int] = {}

    async def work() -> None:
        for number, target in left:
            answer = await pool.send(request("GET", f"/v1/sessions/{target.session_id}/summary"))
            if answer.status != 200:
                raise LoadFailed(f"A session can't be read: {answer.status} {answer.body!r}")
            seen[number] = answer.version

    try:
        await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    except (OSError, TimeoutError) as error:
        raise LoadFailed(f"Sessions can't be read: {type(error).__name__}") from error
    finally:
        pool.close()
    return seen


async def _begin(pool: Pool, target: Target) -> None:
    for wire in (
        request("POST", "/v1/sessions", target.body),
        request("POST", f"/v1/sessions/{target.session_id}/start"),
    ):
        answer = await _answered(pool, wire)
        if answer.status not in (200, 201):
            raise LoadFailed(f"A session can't be begun: {answer.status} {answer.body!r}")


async def _answered(pool: Pool, wire: bytes) -> Answer:
    """The answer; while an instance has too much to do (503), the request is sent again.

    A request that got 503 may have been carried out. The second one is then refused with 409 (the
    session exists) or 400 (it runs), which is as good.
    """
    answer = await pool.send(wire)
    for _ in range(_RETRIES):
        if answer.status != 503:
            return answer
        await asyncio.sleep(_RETRY_S)
        answer = await pool.send(wire)
        if answer.status in (400, 409):
            return answer._replace(status=200)
    return answer


def _target(fields: dict[str, Any], switchable: bool = True) -> Target:
    session_id = str(uuid4())
    return Target(session_id, msgspec.json.encode({"session_id": session_id, **fields}), switchable)


def _people(number: int, bank_ms: int, groups: int = 0) -> list[Any]:
    group_ids = [str(uuid4()) for _ in range(groups)]
    people = [{"participant_id": str(uuid4()), "total_time_ms": bank_ms} for _ in range(number)]
    for n, person in enumerate(people):
        person |= {"group_id": group_ids[n % groups]} if groups else {}
    return people


def _game(_: random.Random) -> dict[str, Any]:
    people = _people(2, _DAY_MS // 2)
    return {"sync_mode": "per_participant", "increment_ms": 2_000, "participants": people}


def _blitz(chance: random.Random) -> dict[str, Any]:
    """Its first flag falls during the run, and ends it."""
    people = _people(2, chance.randrange(30_000, 300_000))
    action = {"type": "end_session", "winner_by": "time"}
    return {"sync_mode": "per_participant", "participants": people, "action_on_timeout": action}


def _poker(chance: random.Random) -> dict[str, Any]:
    """Its cycles run out during the run, and the next begins."""
    cycle_ms = chance.randrange(45_000, 120_000)
    action = {"type": "auto_action", "action": "fold"}
    people = _people(6, cycle_ms)
    return {"sync_mode": "per_cycle", "participants": people, "action_on_timeout": action}


def _teams(_: random.Random) -> dict[str, Any]:
    return {"sync_mode": "per_group", "participants": _people(4, _DAY_MS // 4, groups=2)}


def _quiz(_: random.Random) -> dict[str, Any]:
    people = _people(8, 60_000)
    times = {"total_time_ms": _DAY_MS // 2, "time_per_cycle_ms": 60_000}
    return {"sync_mode": "global", "participants": people, "warn_at_ms": [10_000], **times}


def _speedrun(_: random.Random) -> dict[str, Any]:
    people = _people(1, _DAY_MS)
    return {"sync_mode": "count_up", "participants": people, "max_time_ms": _DAY_MS}


_KINDS: dict[str, tuple[float, Callable[[random.Random], dict[str, Any]]]] = {
    "game": (50, _game),
    "blitz": (5, _blitz),
    "poker": (15, _poker),
    "teams": (10, _teams),
    "quiz": (15, _quiz),
    "speedrun": (5, _speedrun),
}
"""In percent."""


def laps(numbers: Sequence[int], chance: random.Random) -> Iterator[int]:
    """All of them again and again, in another order each time."""
    order = list(numbers)
    while True:
        chance.shuffle(order)
        yield from order

"""The sessions of a run: a realistic mix of modes; creates, starts and reads them."""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import msgspec

from tests.load.connection import Pool, Response, request
from tests.load.failure import LoadFailed
from tests.load.scenarios import Scenario

_AT_ONCE = 24
_RETRY_S = 0.2
_RETRIES = 50
_SEED = 64
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Target:
    """A session; one that is not `switchable` ends with a timeout during the run."""

    session_id: str
    body: bytes
    switchable: bool = True
    participants: tuple[str, ...] = ()
    """The ids of an exam's participants, who begin when it starts."""


def make_targets(scenario: Scenario) -> list[Target]:
    """Return the sessions to create: with new ids, but the same modes and times in each run."""
    rng = random.Random(_SEED)
    if scenario.mix == "games":
        return [_make_target(_game(rng)) for _ in range(scenario.sessions)]
    if scenario.mix == "exams":
        return [_exam(scenario.participants) for _ in range(scenario.sessions)]
    kinds = list(_KINDS)
    weights = [weight for weight, _ in _KINDS.values()]
    names = rng.choices(kinds, weights, k=scenario.sessions - 1)
    chosen = ["game", *names]  # at least one can be switched
    return [_make_target(_KINDS[name][1](rng), name != "blitz") for name in chosen]


def games(number: int, participants: int) -> list[Target]:
    """Return `number` games of `participants` participants, whose clocks don't run out."""
    people = [_participants(participants, _DAY_MS // 2) for _ in range(number)]
    return [_make_target({"sync_mode": "per_participant", "participants": each}) for each in people]


async def start_sessions(
    sessions: Sequence[Target], ports: Sequence[int], report_progress: Callable[[int], None]
) -> None:
    """Create and start all sessions, 24 at a time. Raises `LoadFailed`."""
    pools, left, done = [Pool(port) for port in ports], iter(enumerate(sessions)), 0

    async def work() -> None:
        nonlocal done
        for number, target in left:
            await _start_session(pools[number % len(pools)], target)
            done += 1
            report_progress(done)

    try:
        await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    except (OSError, TimeoutError) as error:
        raise LoadFailed(f"Can't start the sessions: {type(error).__name__}") from error
    finally:
        for pool in pools:
            pool.close()


async def read_versions(sessions: Sequence[Target], port: int) -> dict[int, int]:
    """Return the version of each session by its number. Raises `LoadFailed`."""
    pool, left = Pool(port), iter(enumerate(sessions))
    seen: dict[int, int] = {}

    async def work() -> None:
        for number, target in left:
            response = await pool.send(request("GET", f"/v1/sessions/{target.session_id}/summary"))
            if response.status != 200:
                raise LoadFailed(f"Can't read a session: {response.status} {response.body!r}")
            seen[number] = response.version

    try:
        await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    except (OSError, TimeoutError) as error:
        raise LoadFailed(f"Can't read the sessions: {type(error).__name__}") from error
    finally:
        pool.close()
    return seen


async def _start_session(pool: Pool, target: Target) -> None:
    for wire in (
        request("POST", "/v1/sessions", target.body),
        request("POST", f"/v1/sessions/{target.session_id}/start"),
    ):
        response = await _send_with_retries(pool, wire)
        if response.status not in (200, 201):
            raise LoadFailed(f"Can't start a session: {response.status} {response.body!r}")


async def _send_with_retries(pool: Pool, wire: bytes) -> Response:
    """Send a request, again while the instance is overloaded (503); return the response.

    A request that got 503 may have taken effect. The repeated one then gets 409 (the session
    exists) or 400 (it is running), which counts as success.
    """
    response = await pool.send(wire)
    for _ in range(_RETRIES):
        if response.status != 503:
            return response
        await asyncio.sleep(_RETRY_S)
        response = await pool.send(wire)
        if response.status in (400, 409):
            return response._replace(status=200)
    return response


def _exam(participants: int) -> Target:
    people = _participants(participants)
    exam = _make_target(
        {"sync_mode": "individual", "total_time_ms": _DAY_MS // 2, "participants": people}
    )
    return replace(exam, participants=tuple(person["participant_id"] for person in people))


def _make_target(fields: dict[str, Any], switchable: bool = True) -> Target:
    session_id = str(uuid4())
    return Target(session_id, msgspec.json.encode({"session_id": session_id, **fields}), switchable)


def _participants(number: int, bank_ms: int | None = None, groups: int = 0) -> list[Any]:
    group_ids = [str(uuid4()) for _ in range(groups)]
    bank = {} if bank_ms is None else {"total_time_ms": bank_ms}
    people: list[dict[str, Any]] = [{"participant_id": str(uuid4()), **bank} for _ in range(number)]
    for n, person in enumerate(people):
        person |= {"group_id": group_ids[n % groups]} if groups else {}
    return people


def _game(_: random.Random) -> dict[str, Any]:
    people = _participants(2, _DAY_MS // 2)
    return {"sync_mode": "per_participant", "increment_ms": 2_000, "participants": people}


def _blitz(rng: random.Random) -> dict[str, Any]:
    """A game that its first timeout, during the run, ends."""
    people = _participants(2, rng.randrange(30_000, 300_000))
    action = {"type": "end_session", "winner_by": "time"}
    return {"sync_mode": "per_participant", "participants": people, "action_on_timeout": action}


def _poker(rng: random.Random) -> dict[str, Any]:
    """A session whose cycles time out during the run; each timeout starts the next cycle."""
    cycle_ms = rng.randrange(45_000, 120_000)
    action = {"type": "auto_action", "action": "fold"}
    people = _participants(6, cycle_ms)
    return {"sync_mode": "per_cycle", "participants": people, "action_on_timeout": action}


def _teams(_: random.Random) -> dict[str, Any]:
    return {"sync_mode": "per_group", "participants": _participants(4, _DAY_MS // 4, groups=2)}


def _quiz(_: random.Random) -> dict[str, Any]:
    people = _participants(8, 60_000)
    times = {"total_time_ms": _DAY_MS // 2, "time_per_cycle_ms": 60_000}
    return {"sync_mode": "global", "participants": people, "warn_at_ms": [10_000], **times}


def _speedrun(_: random.Random) -> dict[str, Any]:
    people = _participants(1, _DAY_MS)
    return {"sync_mode": "count_up", "participants": people, "max_time_ms": _DAY_MS}


_KINDS: dict[str, tuple[float, Callable[[random.Random], dict[str, Any]]]] = {
    "game": (50, _game),
    "blitz": (5, _blitz),
    "poker": (15, _poker),
    "teams": (10, _teams),
    "quiz": (15, _quiz),
    "speedrun": (5, _speedrun),
}
"""By kind its share in percent, and the function that makes a session's fields."""


def shuffled_rounds(numbers: Sequence[int], rng: random.Random) -> Iterator[int]:
    """Yield all numbers again and again, shuffled for each round."""
    order = list(numbers)
    while True:
        rng.shuffle(order)
        yield from order

"""A random session and random requests for it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from tests.resilience.linearizability.exchange import Asked, Opening, Seat, Verb

_HOUR_MS = 3_600_000
_MODES = ("per_participant", "per_cycle", "per_group", "global", "count_up", "individual")
_PLAYERS = 3
_NEWCOMERS = 2
_AHEAD_S = 50
_CHANCE_OF_IF_MATCH = 0.2
_CHANCE_OF_PARTICIPANT_ID = 0.3
_CHANCE_OF_A_PROGRAMME = 0.5
_ITEMS = ("opening", "talk", "closing")
_MANY_ROUNDS = 20
"""So that few sessions end early."""

_WEIGHTS = {
    Verb.SWITCH: 40,
    Verb.GO: 10,
    Verb.READ: 15,
    Verb.ADJUST: 10,
    Verb.GIVE: 5,
    Verb.UNDO: 10,
    Verb.PAUSE: 12,
    Verb.PAUSE_AHEAD: 6,
    Verb.UNSCHEDULE: 4,
    Verb.RESUME: 12,
    Verb.ADVANCE: 6,
    Verb.ADD: 10,
    Verb.SUMMARY: 5,
    Verb.START: 2,
    Verb.CREATE: 2,
    Verb.COMPLETE: 1,
    Verb.CANCEL: 1,
    Verb.DELETE: 1,
}

_WEIGHTS_OF_RUNS = {
    Verb.RUN_BEGIN: 25,
    Verb.RUN_FINISH: 20,
    Verb.RUN_REOPEN: 20,
    Verb.RUN_PAUSE: 15,
    Verb.RUN_RESUME: 15,
    Verb.FORFEIT: 5,
}
"""Verbs for one participant, in sessions in `individual`."""


@dataclass(frozen=True, slots=True)
class RandomSession:
    """A session to be created, and the participants that may be added to it."""

    session_id: str
    opening: Opening
    newcomers: tuple[Seat, ...]
    effective_at: str
    """The instant of commands ahead of time, which doesn't come during the test."""

    @classmethod
    def generate(cls, rng: Random) -> "RandomSession":
        """Return a session of a random mode."""
        mode = rng.choice(_MODES)
        groups = [_uuid(rng), _uuid(rng)] if mode == "per_group" else [None]
        is_individual = mode == "individual"
        seats = [
            Seat(
                _uuid(rng),
                None if is_individual else _HOUR_MS + rng.randrange(1_000),
                rng.choice(groups),
            )
            for _ in range(_PLAYERS + _NEWCOMERS)
        ]
        items = _ITEMS if mode == "global" and rng.random() < _CHANCE_OF_A_PROGRAMME else ()
        opening = Opening(
            sync_mode=mode,
            seats=tuple(seats[:_PLAYERS]),
            total_time_ms=_HOUR_MS if is_individual or (mode == "global" and not items) else None,
            max_time_ms=_HOUR_MS if mode == "count_up" else None,
            increment_ms=0 if is_individual else rng.choice((0, 2_000)),
            items=items,
            item_ms=_HOUR_MS if items else None,
            repeat=_MANY_ROUNDS if items else None,
            begins=rng.choice(("together", "each")) if is_individual else None,
            rounds=rng.choice((True, False)) if is_individual else None,
            test=rng.choice((True, None)),
        )
        later = datetime.now(UTC) + timedelta(seconds=_AHEAD_S)
        return cls(_uuid(rng), opening, tuple(seats[_PLAYERS:]), later.isoformat())

    def request(self, rng: Random, version: int, active: str | None) -> Asked:
        """Return a request of a client that last saw `version` and `active`."""
        weights = _WEIGHTS
        if self.opening.sync_mode == "individual":
            weights = _WEIGHTS | {Verb.SWITCH: 2, Verb.GO: 1} | _WEIGHTS_OF_RUNS
        verb = rng.choices(list(weights), list(weights.values()))[0]
        asked = self._request_of(verb, rng, active)
        if verb.changes and verb is not Verb.CREATE and _by_chance(rng, _CHANCE_OF_IF_MATCH):
            return replace(asked, if_match=version)
        return asked

    def _request_of(self, verb: Verb, rng: Random, active: str | None) -> Asked:
        match verb:
            case Verb.CREATE:
                return Asked(verb, opening=self.opening)
            case Verb.ADD:
                return Asked(verb, newcomer=rng.choice(self.newcomers))
            case Verb.ADJUST:
                value = _HOUR_MS + rng.randrange(1_000_000)
                return Asked(verb, participant_id=self._any_participant(rng), total_time_ms=value)
            case Verb.GO:
                return Asked(verb, item_id=rng.choice((*_ITEMS, "unknown")))
            case Verb.PAUSE_AHEAD:
                return Asked(verb, effective_at=self.effective_at)
            case Verb.GIVE:
                return Asked(verb, add_ms=1 + rng.randrange(1_000_000))
            case Verb.SWITCH:
                next_participant = _sometimes(rng, lambda: self._any_participant(rng))
                return Asked(
                    verb,
                    participant_id=next_participant,
                    current_participant_id=_sometimes(rng, lambda: active),
                )
            case _ if verb in _WEIGHTS_OF_RUNS:
                return Asked(verb, participant_id=self._any_participant(rng))
            case _:
                return Asked(verb)

    def _any_participant(self, rng: Random) -> str:
        return rng.choice((*self.opening.seats, *self.newcomers)).participant_id


def _by_chance(rng: Random, chance: float) -> bool:
    return rng.random() < chance


def _sometimes(rng: Random, value: Callable[[], str | None]) -> str | None:
    return value() if _by_chance(rng, _CHANCE_OF_PARTICIPANT_ID) else None


def _uuid(rng: Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))

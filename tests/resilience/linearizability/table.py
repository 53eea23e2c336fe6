"""One session at random, and what its clients may ask of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from uuid import UUID

from tests.resilience.linearizability.exchange import Asked, Opening, Seat, Verb

_HOUR = 3_600_000
_MODES = ("per_participant", "per_cycle", "per_group", "global", "count_up")
_PLAYERS = 3
_NEWCOMERS = 2
_CHANCE_OF_IF_MATCH = 0.2
_CHANCE_OF_NAMING = 0.3

_WEIGHTS = {
    Verb.SWITCH: 40,
    Verb.READ: 15,
    Verb.ADJUST: 15,
    Verb.PAUSE: 12,
    Verb.RESUME: 12,
    Verb.ADD: 10,
    Verb.SUMMARY: 5,
    Verb.START: 2,
    Verb.CREATE: 2,
    Verb.COMPLETE: 1,
    Verb.CANCEL: 1,
    Verb.DELETE: 1,
}


@dataclass(frozen=True, slots=True)
class Table:
    """A session, who plays at it and who may yet join."""

    session_id: str
    opening: Opening
    newcomers: tuple[Seat, ...]

    @classmethod
    def laid(cls, dice: Random) -> "Table":
        """A new one, in any mode."""
        mode = dice.choice(_MODES)
        groups = [_uuid(dice), _uuid(dice)] if mode == "per_group" else [None]
        seats = [
            Seat(_uuid(dice), _HOUR + dice.randrange(1_000), dice.choice(groups))
            for _ in range(_PLAYERS + _NEWCOMERS)
        ]
        opening = Opening(
            sync_mode=mode,
            seats=tuple(seats[:_PLAYERS]),
            total_time_ms=_HOUR if mode == "global" else None,
            max_time_ms=_HOUR if mode == "count_up" else None,
            increment_ms=dice.choice((0, 2_000)),
        )
        return cls(_uuid(dice), opening, tuple(seats[_PLAYERS:]))

    def request(self, dice: Random, version: int, active: str | None) -> Asked:
        """Any request, of a client that last saw this version and that one active."""
        verb = dice.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        asked = self._of(verb, dice, active)
        if verb.changes and verb is not Verb.CREATE and _happens(dice, _CHANCE_OF_IF_MATCH):
            return replace(asked, if_match=version)
        return asked

    def _of(self, verb: Verb, dice: Random, active: str | None) -> Asked:
        match verb:
            case Verb.CREATE:
                return Asked(verb, opening=self.opening)
            case Verb.ADD:
                return Asked(verb, newcomer=dice.choice(self.newcomers))
            case Verb.ADJUST:
                value = _HOUR + dice.randrange(1_000_000)
                return Asked(verb, participant_id=self._anyone(dice), total_time_ms=value)
            case Verb.SWITCH:
                follower = _perhaps(dice, lambda: self._anyone(dice))
                return Asked(
                    verb,
                    participant_id=follower,
                    current_participant_id=_perhaps(dice, lambda: active),
                )
            case _:
                return Asked(verb)

    def _anyone(self, dice: Random) -> str:
        return dice.choice((*self.opening.seats, *self.newcomers)).participant_id


def _happens(dice: Random, chance: float) -> bool:
    return dice.random() < chance


def _perhaps(dice: Random, who: Callable[[], str | None]) -> str | None:
    return who() if _happens(dice, _CHANCE_OF_NAMING) else None


def _uuid(dice: Random) -> str:
    return str(UUID(int=dice.getrandbits(128), version=4))

"""A session that is there, and what each verb makes of it, by the contract (API §2).

It knows nothing of the service's own domain code, and of time only that it passes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.resilience.linearizability.exchange import (
    TIME_DECIDES,
    Answer,
    Asked,
    Opening,
    Seat,
    Shown,
    Verb,
)
from tests.resilience.linearizability.rotation import next_in_turn

TERMINAL = frozenset({"expired", "completed", "cancelled"})
_ENDED = {Verb.COMPLETE: "completed", Verb.CANCEL: "cancelled"}


@dataclass(frozen=True, slots=True)
class Game:
    """A session that is there."""

    sync_mode: str
    seats: tuple[Seat, ...]
    active: str | None
    status: str = "pending"
    version: int = 1
    cycle: int = 0
    last_players: frozenset[str] = frozenset()
    """Of each group, who of it played last."""

    @classmethod
    def of(cls, opening: Opening) -> "Game":
        """As it is created."""
        first = opening.seats[0].participant_id if opening.seats else None
        return cls(opening.sync_mode, opening.seats, first)

    def has(self, participant_id: str | None) -> bool:
        """Whether that one takes part."""
        return any(seat.participant_id == participant_id for seat in self.seats)

    @property
    def shown(self) -> Shown:
        """As an answer shows it."""
        active = self.active if self.status in ("running", "paused") else None
        return Shown(self.status, self.version, active, self.cycle, self.seats)


def applied(game: Game, asked: Asked) -> tuple[Game | None, Answer]:
    """The game after `asked`, None if it is gone, and the answer."""
    return _VERBS[asked.verb](game, asked)


def _read(game: Game, _: Asked) -> tuple[Game, Answer]:
    return game, Answer(200, game.shown)


def _summary(game: Game, _: Asked) -> tuple[Game, Answer]:
    return game, Answer(200, replace(game.shown, cycle=None, seats=None))


def _start(game: Game, _: Asked) -> tuple[Game, Answer]:
    if game.status != "pending":
        return _refused(game)
    return _accepted(game, replace(_playing(game, game.active), status="running", cycle=1))


def _switch(game: Game, asked: Asked) -> tuple[Game, Answer]:
    if game.status != "running":
        return _refused(game)
    if asked.current_participant_id not in (None, game.active):
        return game, Answer(409, code="CONFLICT", detail=game.active)
    if asked.participant_id and not game.has(asked.participant_id):
        return game, Answer(400, code="VALIDATION_ERROR")
    follower = asked.participant_id or next_in_turn(
        game.sync_mode, game.seats, game.active, game.last_players
    )
    switched = replace(_playing(_having_run(game), follower), cycle=game.cycle + 1)
    return _accepted(game, switched)


def _pause(game: Game, _: Asked) -> tuple[Game, Answer]:
    if game.status != "running":
        return _refused(game)
    return _accepted(game, replace(_having_run(game), status="paused"))


def _resume(game: Game, _: Asked) -> tuple[Game, Answer]:
    if game.status != "paused":
        return _refused(game)
    return _accepted(game, replace(game, status="running"))


def _end(game: Game, asked: Asked) -> tuple[Game, Answer]:
    if game.status in TERMINAL:
        return _refused(game)
    return _accepted(game, replace(_having_run(game), status=_ENDED[asked.verb]))


def _delete(_: Game, __: Asked) -> tuple[None, Answer]:
    return None, Answer(204)


def _add(game: Game, asked: Asked) -> tuple[Game, Answer]:
    if game.status in TERMINAL:
        return _refused(game)
    newcomer = asked.newcomer
    if newcomer is None or game.has(newcomer.participant_id):
        return game, Answer(400, code="VALIDATION_ERROR")
    active = game.active or newcomer.participant_id
    present = _having_run(game)
    return _accepted(game, replace(present, seats=(*present.seats, newcomer), active=active), 201)


def _adjust(game: Game, asked: Asked) -> tuple[Game, Answer]:
    if game.status in TERMINAL:
        return _refused(game)
    if not game.has(asked.participant_id):
        return game, Answer(404, code="PARTICIPANT_NOT_FOUND")
    return _accepted(game, _with_bank(_having_run(game), asked.participant_id, asked.total_time_ms))


_VERBS: dict[Verb, Callable[[Game, Asked], tuple[Game | None, Answer]]] = {
    Verb.READ: _read,
    Verb.SUMMARY: _summary,
    Verb.START: _start,
    Verb.SWITCH: _switch,
    Verb.PAUSE: _pause,
    Verb.RESUME: _resume,
    Verb.COMPLETE: _end,
    Verb.CANCEL: _end,
    Verb.DELETE: _delete,
    Verb.ADD: _add,
    Verb.ADJUST: _adjust,
}


def _refused(game: Game) -> tuple[Game, Answer]:
    return game, Answer(400, code="INVALID_STATE_TRANSITION")


def _accepted(before: Game, after: Game, status: int = 200) -> tuple[Game, Answer]:
    after = replace(after, version=before.version + 1)
    return after, Answer(status, after.shown)


def _playing(game: Game, participant_id: str | None) -> Game:
    """With that one on move."""
    if game.sync_mode != "per_group" or participant_id is None:
        return replace(game, active=participant_id)
    groups = {seat.participant_id: seat.group_id for seat in game.seats}
    others = {p for p in game.last_players if groups[p] != groups[participant_id]}
    last_players = frozenset(others | {participant_id})
    return replace(game, active=participant_id, last_players=last_players)


def _having_run(game: Game) -> Game:
    """With the clock read that may have run until now."""
    if game.status != "running" or game.sync_mode != "per_participant":
        return game
    return _with_bank(game, game.active, TIME_DECIDES)


def _with_bank(game: Game, participant_id: str | None, bank_ms: int | None) -> Game:
    seats = tuple(
        replace(seat, bank_ms=bank_ms) if seat.participant_id == participant_id else seat
        for seat in game.seats
    )
    return replace(game, seats=seats)

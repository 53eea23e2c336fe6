"""An existing session and the effect of each verb on it, by the contract (docs/api.md).

The verbs here are for modes in which participants take turns; `runs` has those of `individual`.

It shares no code with the service's domain and computes no times.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.resilience.linearizability.exchange import (
    TIME_DEPENDENT,
    Answer,
    Asked,
    Opening,
    Seat,
    SessionView,
    Verb,
)
from tests.resilience.linearizability.rotation import next_in_turn

TERMINAL = frozenset({"expired", "completed", "cancelled"})
ENDED = {Verb.COMPLETE: "completed", Verb.CANCEL: "cancelled"}

_KEPT_TURNS = 8


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn that a switch ended, as it was at its end."""

    active: str | None
    last_players: frozenset[str]
    was_corrected: bool
    item: int
    round: int


@dataclass(frozen=True, slots=True)
class Game:
    """An existing session."""

    sync_mode: str
    seats: tuple[Seat, ...]
    active: str | None
    status: str = "pending"
    version: int = 1
    cycle: int = 0
    last_players: frozenset[str] = frozenset()
    """The participant of each group that was active last."""
    undoable: tuple["Turn", ...] = ()
    """The turns that an undo can begin again, the latest last."""
    is_corrected: bool = False
    """Whether there was a pause or a correction since the last switch."""
    has_time_control: bool = False
    """Whether the start may add time to the banks."""
    items: tuple[str, ...] = ()
    repeat: int = 1
    item: int = 0
    round: int = 1
    is_pausing: bool = False
    """Whether a pause was given ahead of time."""
    total_ms: int | None = None
    begins: str | None = None
    rounds: bool = False
    is_test: bool = False

    @classmethod
    def of(cls, opening: Opening) -> "Game":
        """Return the session right after its creation."""
        first = opening.seats[0].participant_id if opening.seats else None
        game = cls(
            opening.sync_mode,
            opening.seats,
            first,
            has_time_control=opening.has_time_control,
            items=opening.items,
            repeat=opening.repeat or 1,
            is_test=bool(opening.test),
        )
        if opening.sync_mode != "individual":
            return game
        limit = opening.total_time_ms
        return replace(
            game,
            seats=tuple(replace(seat, bank_ms=limit, run="not_begun") for seat in opening.seats),
            active=None,
            total_ms=limit,
            begins=opening.begins,
            rounds=bool(opening.rounds),
        )

    def has_participant(self, participant_id: str | None) -> bool:
        return any(seat.participant_id == participant_id for seat in self.seats)

    @property
    def view(self) -> SessionView:
        """The session as in an answer."""
        is_ongoing = self.status in ("running", "paused")
        active = self.active if is_ongoing else None
        item = self.items[self.item] if self.items and is_ongoing else None
        return SessionView(
            self.status, self.version, active, self.cycle, self.seats, item, self.is_pausing
        )


def _read(game: Game, _: Asked) -> tuple[Game, Answer]:
    return game, Answer(200, game.view)


def _summary(game: Game, _: Asked) -> tuple[Game, Answer]:
    return game, Answer(200, replace(game.view, cycle=None, seats=None))


def _start(game: Game, _: Asked) -> tuple[Game, Answer]:
    if game.status != "pending":
        return refused(game)
    started = replace(_with_active(game, game.active), status="running", cycle=1)
    if game.has_time_control and game.sync_mode == "per_participant":
        seats = tuple(replace(seat, bank_ms=TIME_DEPENDENT) for seat in game.seats)
        started = replace(started, seats=seats)
    return accepted(game, started)


def _switch(game: Game, asked: Asked) -> tuple[Game, Answer]:
    if game.status != "running":
        return refused(game)
    if asked.current_participant_id not in (None, game.active):
        return game, Answer(409, code="CONFLICT", detail=game.active)
    if asked.participant_id and not game.has_participant(asked.participant_id):
        return game, Answer(400, code="VALIDATION_ERROR")
    item, round_ = game.item, game.round
    if game.items:
        item, round_ = (item + 1, round_) if item + 1 < len(game.items) else (0, round_ + 1)
        if round_ > game.repeat:
            return accepted(game, replace(game, status="completed"))
    switched, answer = accepted(game, _switched(game, asked.participant_id, item, round_))
    shown = replace(switched.view, is_scheduled=False)  # a switch result doesn't show it
    return switched, replace(answer, session=shown)


def _go(game: Game, asked: Asked) -> tuple[Game, Answer]:
    if game.status != "running":
        return refused(game)
    if asked.item_id not in game.items:
        return game, Answer(400, code="VALIDATION_ERROR")
    return accepted(game, _switched(game, None, game.items.index(asked.item_id), game.round))


def _switched(game: Game, participant_id: str | None, item: int, round_: int) -> Game:
    next_participant = participant_id or next_in_turn(
        game.sync_mode, game.seats, game.active, game.last_players
    )
    turn = Turn(game.active, game.last_players, game.is_corrected, game.item, game.round)
    return replace(
        _with_active(_with_time_dependent_bank(game), next_participant),
        cycle=game.cycle + 1,
        undoable=(*game.undoable, turn)[-_KEPT_TURNS:],
        is_corrected=False,
        item=item,
        round=round_,
    )


def _undo(game: Game, _: Asked) -> tuple[Game, Answer]:
    if game.status not in ("running", "paused"):
        return refused(game)
    if not game.undoable:
        return game, Answer(409, code="NOTHING_TO_UNDO")
    *kept, turn = game.undoable
    if game.is_corrected or turn.was_corrected:
        return game, Answer(409, code="CONFLICT")
    undone = game
    if game.sync_mode == "per_participant":
        for participant_id in (game.active, turn.active):
            undone = _with_bank(undone, participant_id, TIME_DEPENDENT)
    return accepted(
        game,
        replace(
            undone,
            active=turn.active,
            last_players=turn.last_players,
            cycle=game.cycle - 1,
            undoable=tuple(kept),
            item=turn.item,
            round=turn.round,
        ),
    )


def _pause(game: Game, _: Asked) -> tuple[Game, Answer]:
    if game.status != "running":
        return refused(game)
    paused = replace(_with_time_dependent_bank(game), status="paused", is_corrected=True)
    return accepted(game, paused)


def _pause_ahead(game: Game, _: Asked) -> tuple[Game, Answer]:
    if game.status != "running":
        return refused(game)
    if game.is_pausing:
        return game, Answer(409, code="CONFLICT")
    return accepted(game, replace(_with_time_dependent_bank(game), is_pausing=True))


def _unschedule(game: Game, _: Asked) -> tuple[Game, Answer]:
    if not game.is_pausing:
        return game, Answer(409, code="NOTHING_SCHEDULED")
    return accepted(game, replace(_with_time_dependent_bank(game), is_pausing=False))


def _resume(game: Game, _: Asked) -> tuple[Game, Answer]:
    if game.status != "paused":
        return refused(game)
    return accepted(game, replace(game, status="running"))


def _advance(game: Game, _: Asked) -> tuple[Game, Answer]:
    if not game.is_test:
        return game, Answer(409, code="NOT_A_TEST_SESSION")
    return accepted(game, game)


def _end(game: Game, asked: Asked) -> tuple[Game, Answer]:
    if game.status in TERMINAL:
        return refused(game)
    return accepted(game, replace(_with_time_dependent_bank(game), status=ENDED[asked.verb]))


def _delete(_: Game, __: Asked) -> tuple[None, Answer]:
    return None, Answer(204)


def _add(game: Game, asked: Asked) -> tuple[Game, Answer]:
    if game.status in TERMINAL:
        return refused(game)
    newcomer = asked.newcomer
    if newcomer is None or game.has_participant(newcomer.participant_id):
        return game, Answer(400, code="VALIDATION_ERROR")
    active = game.active or newcomer.participant_id
    present = _corrected(_with_time_dependent_bank(game))
    return accepted(game, replace(present, seats=(*present.seats, newcomer), active=active), 201)


def _adjust(game: Game, asked: Asked) -> tuple[Game, Answer]:
    if game.status in TERMINAL:
        return refused(game)
    if not game.has_participant(asked.participant_id):
        return game, Answer(404, code="PARTICIPANT_NOT_FOUND")
    present = _corrected(_with_time_dependent_bank(game))
    return accepted(game, _with_bank(present, asked.participant_id, asked.total_time_ms))


def _give(game: Game, asked: Asked) -> tuple[Game, Answer]:
    if game.status in TERMINAL:
        return refused(game)
    if game.sync_mode != "per_participant":
        return accepted(game, _corrected(game))
    present = _corrected(_with_time_dependent_bank(game))
    seats = tuple(with_more(seat, asked.add_ms or 0) for seat in present.seats)
    return accepted(game, replace(present, seats=seats))


def with_more(seat: Seat, add_ms: int) -> Seat:
    """Return the participant with `add_ms` more, if its time is known."""
    is_known = seat.bank_ms not in (None, TIME_DEPENDENT)
    return replace(seat, bank_ms=(seat.bank_ms or 0) + add_ms) if is_known else seat


VERBS: dict[Verb, Callable[[Game, Asked], tuple[Game | None, Answer]]] = {
    Verb.READ: _read,
    Verb.SUMMARY: _summary,
    Verb.START: _start,
    Verb.SWITCH: _switch,
    Verb.GO: _go,
    Verb.PAUSE: _pause,
    Verb.PAUSE_AHEAD: _pause_ahead,
    Verb.UNSCHEDULE: _unschedule,
    Verb.RESUME: _resume,
    Verb.ADVANCE: _advance,
    Verb.COMPLETE: _end,
    Verb.CANCEL: _end,
    Verb.DELETE: _delete,
    Verb.ADD: _add,
    Verb.ADJUST: _adjust,
    Verb.GIVE: _give,
    Verb.UNDO: _undo,
}
"""The effect of each verb in modes in which participants take turns."""


def _corrected(game: Game) -> Game:
    return replace(game, is_corrected=True) if game.cycle else game


def refused(game: Game) -> tuple[Game, Answer]:
    """Return the unchanged game, and the answer that its state doesn't allow the request."""
    return game, Answer(400, code="INVALID_STATE_TRANSITION")


def accepted(before: Game, after: Game, status: int = 200) -> tuple[Game, Answer]:
    """Return the game after a change, with its next version, and the answer that shows it."""
    is_pausing = after.is_pausing and after.status == "running"
    after = replace(after, version=before.version + 1, is_pausing=is_pausing)
    return after, Answer(status, after.view)


def _with_active(game: Game, participant_id: str | None) -> Game:
    """Return the game with `participant_id` active."""
    if game.sync_mode != "per_group" or participant_id is None:
        return replace(game, active=participant_id)
    groups = {seat.participant_id: seat.group_id for seat in game.seats}
    others = {p for p in game.last_players if groups[p] != groups[participant_id]}
    last_players = frozenset(others | {participant_id})
    return replace(game, active=participant_id, last_players=last_players)


def _with_time_dependent_bank(game: Game) -> Game:
    """Return the game with the bank of a running clock marked as time-dependent."""
    if game.status != "running" or game.sync_mode != "per_participant":
        return game
    return _with_bank(game, game.active, TIME_DEPENDENT)


def _with_bank(game: Game, participant_id: str | None, bank_ms: int | None) -> Game:
    seats = tuple(
        replace(seat, bank_ms=bank_ms) if seat.participant_id == participant_id else seat
        for seat in game.seats
    )
    return replace(game, seats=seats)

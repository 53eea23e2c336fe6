"""The effect of each verb on a session in `individual`, by docs/individual-clocks.md.

Each participant begins and finishes on its own. Like `game`, it computes no times.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from tests.resilience.linearizability.exchange import (
    TIME_DEPENDENT,
    Answer,
    Asked,
    Seat,
    Verb,
)
from tests.resilience.linearizability.game import (
    ENDED,
    TERMINAL,
    VERBS,
    Game,
    accepted,
    refused,
    with_more,
)

UNDER_WAY = frozenset({"running", "paused"})
DONE = frozenset({"finished", "closed"})

Step: TypeAlias = Callable[[Game, Seat], Seat | None]
"""What a verb makes of a participant; None if the participant's state doesn't allow it."""


def apply_request(game: Game, asked: Asked) -> tuple[Game | None, Answer]:
    """Return the game after `asked`, None if it was deleted, and the answer."""
    if asked.verb in STEPS:
        return _act(game, asked)
    return _VERBS.get(asked.verb, VERBS[asked.verb])(game, asked)


def refuse_step(game: Game, _: Asked) -> tuple[Game, Answer]:
    """Answer a verb for one participant's clock in any other mode."""
    return game, Answer(400, code="VALIDATION_ERROR")


def _act(game: Game, asked: Asked) -> tuple[Game, Answer]:
    may_come = ("running",) if asked.verb is Verb.RUN_BEGIN else ("running", "paused")
    if game.status not in may_come:
        return refused(game)
    seat = next((one for one in game.seats if one.participant_id == asked.participant_id), None)
    if seat is None:
        return game, Answer(404, code="PARTICIPANT_NOT_FOUND")
    changed = STEPS[asked.verb](game, seat)
    if changed is None:
        return refused(game)
    seats = tuple(changed if one is seat else one for one in game.seats)
    after = replace(game, seats=seats)
    if asked.verb in (Verb.RUN_FINISH, Verb.FORFEIT):
        after = _ended_if_all_are_done(after)
    return accepted(game, after)


def _begin(game: Game, seat: Seat) -> Seat | None:
    if seat.run in UNDER_WAY or (seat.run in DONE and not game.rounds):
        return None
    bank = game.total_ms if seat.has_begun else seat.bank_ms
    return replace(seat, run="running", has_begun=True, bank_ms=bank)


def _finish(_: Game, seat: Seat) -> Seat | None:
    return replace(seat, run="finished") if seat.run in UNDER_WAY else None


def _forfeit(_: Game, seat: Seat) -> Seat | None:
    return None if seat.run in DONE else replace(seat, run="closed")


def _reopen(_: Game, seat: Seat) -> Seat | None:
    if seat.run not in DONE:
        return None
    return replace(seat, run="running" if seat.has_begun else "not_begun")


def _pause(_: Game, seat: Seat) -> Seat | None:
    return replace(seat, run="paused") if seat.run == "running" else None


def _resume(_: Game, seat: Seat) -> Seat | None:
    return replace(seat, run="running") if seat.run == "paused" else None


STEPS: dict[Verb, Step] = {
    Verb.RUN_BEGIN: _begin,
    Verb.RUN_FINISH: _finish,
    Verb.FORFEIT: _forfeit,
    Verb.RUN_REOPEN: _reopen,
    Verb.RUN_PAUSE: _pause,
    Verb.RUN_RESUME: _resume,
}
"""The verbs for one participant."""


def _ended_if_all_are_done(game: Game) -> Game:
    if game.rounds or not all(seat.run in DONE for seat in game.seats):
        return game
    has_finisher = any(seat.run == "finished" for seat in game.seats)
    return replace(game, status="completed" if has_finisher else "expired")


def _start(game: Game, _: Asked) -> tuple[Game, Answer]:
    if game.status != "pending":
        return refused(game)
    started = replace(game, status="running", cycle=1)
    if game.begins != "each":
        seats = tuple(replace(seat, run="running", has_begun=True) for seat in game.seats)
        started = replace(started, seats=seats)
    return accepted(game, started)


def _switch(game: Game, _: Asked) -> tuple[Game, Answer]:
    return refused(game)


def _end(game: Game, asked: Asked) -> tuple[Game, Answer]:
    if game.status in TERMINAL:
        return refused(game)
    seats = tuple(seat if seat.run in DONE else replace(seat, run="closed") for seat in game.seats)
    return accepted(game, replace(game, seats=seats, status=ENDED[asked.verb]))


def _add(game: Game, asked: Asked) -> tuple[Game, Answer]:
    newcomer = asked.newcomer
    if game.status in TERMINAL:
        return refused(game)
    if newcomer is None or game.has_participant(newcomer.participant_id):
        return game, Answer(400, code="VALIDATION_ERROR")
    seat = Seat(newcomer.participant_id, game.total_ms, run="not_begun")
    return accepted(game, replace(game, seats=(*game.seats, seat)), 201)


def _adjust(game: Game, asked: Asked) -> tuple[Game, Answer]:
    if game.status in TERMINAL:
        return refused(game)
    if not game.has_participant(asked.participant_id):
        return game, Answer(404, code="PARTICIPANT_NOT_FOUND")
    seats = tuple(
        _with_time_left(seat, asked.total_time_ms)
        if seat.participant_id == asked.participant_id
        else seat
        for seat in game.seats
    )
    return accepted(game, replace(game, seats=seats))


def _with_time_left(seat: Seat, left_ms: int | None) -> Seat:
    """Return the participant with that time left; its limit depends on what it has used."""
    return replace(seat, bank_ms=TIME_DEPENDENT if seat.has_begun else left_ms)


def _give(game: Game, asked: Asked) -> tuple[Game, Answer]:
    if game.status in TERMINAL:
        return refused(game)
    if all(seat.run in DONE for seat in game.seats):
        return game, Answer(400, code="VALIDATION_ERROR")
    seats = tuple(
        seat if seat.run in DONE else with_more(seat, asked.add_ms or 0) for seat in game.seats
    )
    return accepted(game, replace(game, seats=seats))


_VERBS: dict[Verb, Callable[[Game, Asked], tuple[Game | None, Answer]]] = {
    Verb.START: _start,
    Verb.SWITCH: _switch,
    Verb.COMPLETE: _end,
    Verb.CANCEL: _end,
    Verb.ADD: _add,
    Verb.ADJUST: _adjust,
    Verb.GIVE: _give,
}
"""Verbs with another effect than in modes with turns; all others are those of `game`."""

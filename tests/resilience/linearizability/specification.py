"""What the contract says of one session that is asked one thing after the other (API §2)."""

from dataclasses import dataclass, replace

from tests.resilience.linearizability.exchange import Answer, Asked, Verb
from tests.resilience.linearizability.game import Game, applied


@dataclass(frozen=True, slots=True)
class Recorded:
    """The first answer under an idempotency key."""

    key: str
    request: Asked
    answer: Answer


@dataclass(frozen=True, slots=True)
class State:
    """All that the next answer depends on."""

    game: Game | None = None
    existed: bool = False
    recorded: frozenset[Recorded] = frozenset()


class Specification:
    """The session as a sequential object."""

    def step(self, state: State, asked: Asked) -> tuple[State, Answer]:
        """The answer to `asked`, and the state that it leaves."""
        for record in state.recorded:
            if record.key == asked.key:
                return state, _again(record, asked)
        game, answer = _outcome(state, asked)
        if game == state.game:
            return state, answer
        recorded = state.recorded
        if asked.key:
            recorded |= {Recorded(asked.key, asked.fingerprint, answer)}
        return State(game, True, recorded), answer

    def allows(self, expected: Answer, seen: Answer) -> bool:
        """Whether `seen` may have been the answer."""
        return expected.allows(seen)


def _again(record: Recorded, asked: Asked) -> Answer:
    if record.request != asked.fingerprint:
        return Answer(422, code="IDEMPOTENCY_KEY_REUSED")
    return replace(record.answer, replayed=True)


def _outcome(state: State, asked: Asked) -> tuple[Game | None, Answer]:
    game = state.game
    if asked.verb is Verb.CREATE:
        return _create(state, asked)
    if game is None:
        gone = asked.verb is Verb.DELETE
        return None, Answer(204) if gone else Answer(404, code="SESSION_NOT_FOUND")
    if asked.if_match not in (None, game.version):
        return game, Answer(412, code="PRECONDITION_FAILED", detail=game.version)
    return applied(game, asked)


def _create(state: State, asked: Asked) -> tuple[Game | None, Answer]:
    if state.existed or asked.opening is None:
        return state.game, Answer(409, code="SESSION_EXISTS")
    game = Game.of(asked.opening)
    return game, Answer(201, game.shown)

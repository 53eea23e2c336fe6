"""Sequential specification of a session: the answers that the contract demands (docs/api.md)."""

from dataclasses import dataclass, replace

from tests.resilience.linearizability import runs
from tests.resilience.linearizability.exchange import Answer, Asked, Verb
from tests.resilience.linearizability.game import VERBS, Game


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The answer to the first request with an idempotency key."""

    key: str
    request: Asked
    answer: Answer


@dataclass(frozen=True, slots=True)
class State:
    """Everything that the next answer depends on."""

    game: Game | None = None
    existed: bool = False
    stored: frozenset[StoredAnswer] = frozenset()


class Specification:
    """The `Model` of a session for the checker."""

    def step(self, state: State, asked: Asked) -> tuple[State, Answer]:
        """Return the state after `asked`, and the answer."""
        for record in state.stored:
            if record.key == asked.key:
                return state, _again(record, asked)
        game, answer = _outcome(state, asked)
        if game == state.game:
            return state, answer
        stored = state.stored
        if asked.key:
            stored |= {StoredAnswer(asked.key, asked.fingerprint, answer)}
        return State(game, True, stored), answer

    def allows(self, expected: Answer, seen: Answer) -> bool:
        """Return whether `seen` agrees with the `expected` answer."""
        return expected.allows(seen)


def _again(record: StoredAnswer, asked: Asked) -> Answer:
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
    if game.sync_mode == "individual":
        return runs.apply_request(game, asked)
    return VERBS.get(asked.verb, runs.refuse_step)(game, asked)


def _create(state: State, asked: Asked) -> tuple[Game | None, Answer]:
    if state.existed or asked.opening is None:
        return state.game, Answer(409, code="SESSION_EXISTS")
    game = Game.of(asked.opening)
    return game, Answer(201, game.view)

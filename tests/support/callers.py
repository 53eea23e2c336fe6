"""One token of each kind of caller, relative to one session, which is Alice's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import uuid4

from tests.support import tokens
from tests.support.api import ApiClient, chess, participant
from tests.support.tokens import claims, signed


@dataclass(frozen=True, slots=True)
class AliceSession:
    """Alice's session: its id, and the ids of the participants on and off move."""

    session_id: str
    on_move: str
    off_move: str


async def create_session(
    api: ApiClient, *, is_started: bool = True, is_paused: bool = False
) -> AliceSession:
    """Create a session, owned by the caller of `api`, that its participants may pause.

    Its clocks run for an hour, so that a test of many requests doesn't see one run out.
    """
    players = [participant(3_600_000), participant(3_600_000)]
    body = chess(participants=players, participants_may_pause=True)
    session_id = await api.created(body)
    if is_started:
        await api.do(session_id, "start")
    if is_paused:
        await api.do(session_id, "pause")
    on_move, off_move = (p["participant_id"] for p in body["participants"])
    return AliceSession(session_id, on_move, off_move)


INVALID_TOKENS: Mapping[str, Callable[[AliceSession], str | None]] = {
    "no token": lambda _: None,
    "garbage": lambda _: "not.a.token",
    "wrong signature": lambda _: signed(claims("host", "alice"), key=tokens.WRONG_SECRET),
    "alg none": lambda _: signed(claims("host", "alice"), key=None, algorithm="none"),
    "expired": lambda _: tokens.host(lifetime_s=-60),
    "wrong kind": lambda game: tokens.subscription_token(game.session_id),
}
"""Invalid tokens. But for one flaw each would be Alice's, or one that may read her session."""

VALID_TOKENS: Mapping[str, Callable[[AliceSession], str]] = {
    "other session": lambda game: tokens.participant(str(uuid4()), game.on_move),
    "other tenant": lambda _: tokens.host(tenant="elsewhere"),
    "spectator": lambda game: tokens.spectator(game.session_id),
    "participant off move": lambda game: tokens.participant(game.session_id, game.off_move),
    "participant on move": lambda game: tokens.participant(game.session_id, game.on_move),
    "host": lambda _: tokens.host(),
    "other host": lambda _: tokens.host("bob"),
    "service": lambda _: tokens.service(),
    "cohost": lambda game: tokens.cohost(game.session_id),
}

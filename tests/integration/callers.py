"""Every kind of caller, seen from one session: Alice's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import uuid4

from tests.integration import tokens
from tests.integration.api import Api, chess
from tests.integration.tokens import claims, signed


@dataclass(frozen=True, slots=True)
class Game:
    """Alice's session, and who is on move in it."""

    session_id: str
    on_move: str
    off_move: str


async def game(api: Api, *, is_started: bool = True, is_paused: bool = False) -> Game:
    """A session of the caller of `api`, whose participants may pause it."""
    body = chess(participants_may_pause=True)
    session_id = await api.created(body)
    if is_started:
        await api.do(session_id, "start")
    if is_paused:
        await api.do(session_id, "pause")
    on_move, off_move = (p["participant_id"] for p in body["participants"])
    return Game(session_id, on_move, off_move)


NOT_LET_IN: Mapping[str, Callable[[Game], str | None]] = {
    "no token": lambda _: None,
    "garbage": lambda _: "not.a.token",
    "wrong signature": lambda _: signed(claims("host", "alice"), key=tokens.WRONG_SECRET),
    "alg none": lambda _: signed(claims("host", "alice"), key=None, algorithm="none"),
    "expired": lambda _: tokens.host(lifetime_s=-60),
    "wrong kind": lambda game: tokens.subscription(game.session_id),
}
"""But for one thing they would be Alice, or one who may read her session."""

LET_IN: Mapping[str, Callable[[Game], str]] = {
    "other session": lambda game: tokens.participant(str(uuid4()), game.on_move),
    "other tenant": lambda _: tokens.host(tenant="elsewhere"),
    "spectator": lambda game: tokens.spectator(game.session_id),
    "participant off move": lambda game: tokens.participant(game.session_id, game.off_move),
    "participant on move": lambda game: tokens.participant(game.session_id, game.on_move),
    "host": lambda _: tokens.host(),
    "other host": lambda _: tokens.host("bob"),
    "service": lambda _: tokens.service(),
}

"""The answers of the service about join codes (docs/join-codes.md)."""

from typing import Literal, NotRequired, TypedDict


class JoinedParticipant(TypedDict):
    """A participant whom a person took with a code; `token_id` revokes that person's token."""

    participant_id: str
    token_id: str


class JoinCode(TypedDict):
    """The open code of a session. `newcomers` is there if people may join as new participants.

    `join_code()` also returns the participants that were taken, as `joined`.
    """

    code: str
    role: Literal["participant", "spectator"]
    expires_at: str
    max_uses: int
    uses: int
    newcomers: NotRequired[dict[str, int | str]]
    joined: NotRequired[list[JoinedParticipant]]


class FreeParticipant(TypedDict):
    """A participant who is still free: a person who joins may choose it."""

    participant_id: str
    name: NotRequired[str]


class Join(TypedDict):
    """The answer to a code: a `token` and the session's `url`, or the free `participants`.

    There is no token if the service needs none. `may_add`: a name adds a new participant.
    """

    session_id: str
    role: Literal["participant", "spectator"]
    participant_id: NotRequired[str]
    token: NotRequired[str]
    token_id: NotRequired[str]
    expires_at: NotRequired[str]
    url: NotRequired[str]
    participants: NotRequired[list[FreeParticipant]]
    may_add: NotRequired[bool]

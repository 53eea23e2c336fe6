"""Interface of join codes: short codes with which people join a session."""

from typing import Literal, Protocol

from shared.application.ports.commit import UNLIMITED, OwnerLimits, QuotaExceeded
from shared.domain.units import Instant, Millis
from shared.domain.values import Value

JoinRole = Literal["participant", "spectator"]


class Newcomers(Value, frozen=True):
    """The time and group of each participant that a code adds to the session."""

    total_time_ms: Millis | None = None
    group_id: str | None = None


class JoinCode(Value, frozen=True):
    """An open code of one session, with its terms.

    `opening` identifies the request that opened it. Without `newcomers` the code adds no
    participants. Tokens that it gives end at `tokens_until` (s since the Unix epoch) at the latest.
    """

    code: str
    opening: str
    session_id: str
    tenant: str | None
    role: JoinRole
    expires_at: Instant
    max_uses: int
    newcomers: Newcomers | None = None
    tokens_until: float | None = None
    uses: int = 0


class OpenCode(Value, frozen=True):
    """An open code, and the participants that are no longer free, with the ids of their tokens."""

    code: JoinCode
    taken: dict[str, str]


class JoinRequest(Value, frozen=True):
    """Hashes of a request's idempotency key, and of its content without the code."""

    key: str
    content: str


class Joined(Value, frozen=True):
    """A use of a code, with the id of its token; `participant_id` is None for a spectator."""

    code: JoinCode
    participant_id: str | None
    token_id: str


class TooManyGuesses(Value, frozen=True):
    """Too many codes were wrong lately; the next may be tried after `retry_after_ms`."""

    retry_after_ms: Millis


class JoinCodes(Protocol):
    """Stores open codes, at most one for each session. All methods raise `StoreUnavailable`.

    What a code and its uses take counts among the bytes of the session's `owner` (`limited_owner`)
    until the code expires. With `QuotaExceeded` they would exceed `limits`, and nothing is stored.
    """

    async def find(self, name: str) -> OpenCode | None:
        """Return the open code of the session with the store name `name`, if any."""

    async def open(
        self,
        name: str,
        code: JoinCode,
        replaced: JoinCode | None,
        owner: str | None = None,
        limits: OwnerLimits = UNLIMITED,
    ) -> bool | QuotaExceeded:
        """Open `code` in place of `replaced`.

        Return false, and change nothing, if the letters belong to another session, or if another
        code of this session was opened or closed since `replaced` was read.
        """

    async def close(self, name: str) -> None:
        """Close the code of the session, if there is one."""

    async def guess(self, letters: str, address: str) -> OpenCode | TooManyGuesses | None:
        """Return the open code with these letters; None if there is none, which is counted.

        Codes with no uses left are found too. Wrong guesses are counted for `address`, and for all
        addresses together.
        """

    async def use(
        self,
        code: JoinCode,
        participant_id: str | None,
        request: JoinRequest | None,
        token_id: str,
        owner: str | None = None,
        limits: OwnerLimits = UNLIMITED,
    ) -> Joined | QuotaExceeded | Literal["taken", "closed", "reused"]:
        """Use the code once for a token, and take the participant, in one atomic step.

        A use with the same `request` as an earlier one changes nothing, and returns that one.
        `reused`: the earlier one had the same key and other content. `taken`: someone else has the
        participant. `closed`: no uses are left, or the code was closed.
        """

    async def give_back(
        self,
        code: JoinCode,
        participant_id: str,
        request: JoinRequest | None,
        owner: str | None = None,
    ) -> None:
        """Undo a use that took a participant."""

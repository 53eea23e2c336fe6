"""When a token for one session was issued: its claim `iat`, which revocations compare."""

from typing import Final

from shared.domain.units import Instant
from shared.http.request import Components

_MARGIN_MS: Final = 1_000


async def issue_instant(components: Components, name: str) -> Instant:
    """Return the issue instant of a new token for the session with the store name `name`.

    It is a second ago by the store's clock, so that a later revocation of all tokens is surely
    later, although the store's clock is only known to some ms. But it is after the last revocation
    of all, which must not end the new token. Raises `StoreUnavailable`.
    """
    issued_at = components.clock.now() - _MARGIN_MS
    revoked_at = await components.revocations.all_revoked_at(name)
    return Instant(max(issued_at, (revoked_at or 0) + 1))

"""Verifies API keys, with a memory of some seconds so that few requests ask the store."""

import asyncio
import time
from dataclasses import dataclass
from hmac import compare_digest

from shared.application.api_key_format import PREFIX, digest_of, key_id_in
from shared.application.authorization import Caller, Role
from shared.application.errors import Unauthenticated
from shared.application.ports.api_keys import ApiKey, ApiKeyRegistry
from shared.domain.units import Instant

FRESH_S = 2.0
"""Time for which an instance relies on its copy of a key, s."""

_MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Remembered:
    """What the store said of a key, and when, by both of this machine's clocks.

    A function that was frozen may find that one of them has stood still.
    """

    key: ApiKey | None
    read_at: float
    read_at_wall: float

    @property
    def is_fresh(self) -> bool:
        wall_s = abs(time.time() - self.read_at_wall)
        return time.monotonic() - self.read_at < FRESH_S and wall_s < FRESH_S


class ApiKeys:
    """The API keys in `registry`. The methods that ask it raise `StoreUnavailable`."""

    def __init__(self, registry: ApiKeyRegistry) -> None:
        self._registry = registry
        self._remembered: dict[str, _Remembered] = {}
        self._lookups: dict[tuple[str, str | None], asyncio.Future[ApiKey | None]] = {}

    @staticmethod
    def is_key(token: str) -> bool:
        """Return whether `token` claims to be an API key."""
        return token.startswith(PREFIX)

    def was_valid(self, key: str) -> bool:
        """Return whether this instance has seen the key as a valid one; doesn't ask the store."""
        known = self._remembered.get(key_id_in(key) or "")
        return (
            known is not None and known.key is not None and _has_digest(known.key, digest_of(key))
        )

    async def verify(self, key: str) -> Caller:
        """Return the caller that has `key`. Raises `Unauthenticated` if it isn't valid.

        A key with a wrong checksum is refused without asking the store.
        """
        key_id = key_id_in(key)
        if key_id is None:
            raise Unauthenticated("The API key is incomplete or misspelt")
        digest = digest_of(key)
        found = await self._find(key_id, digest)
        if found is None or not _has_digest(found, digest):
            raise Unauthenticated("The API key doesn't exist")
        _require_valid(found)
        return Caller(
            Role(found.role),
            found.subject,
            found.tenant,
            expires_at=None if found.expires_at is None else found.expires_at / 1000,
            key_id=found.key_id,
        )

    async def require_valid(self, key_id: str) -> None:
        """Raise `Unauthenticated` if the key with that id isn't valid any more.

        It counts as a use of the key: a live connection was opened with it.
        """
        found = await self._find(key_id, None)
        if found is None:
            raise Unauthenticated("The API key doesn't exist")
        _require_valid(found)

    async def _find(self, key_id: str, digest: str | None) -> ApiKey | None:
        """Return the key, from memory or the store; concurrent calls share one lookup."""
        known = self._remembered.get(key_id)
        if known and known.is_fresh:
            return known.key
        lookup = self._lookups.get((key_id, digest))
        if lookup is None:
            lookup = asyncio.ensure_future(self._look_up(key_id, digest))
            self._lookups[key_id, digest] = lookup
            lookup.add_done_callback(lambda done: self._end_lookup((key_id, digest), done))
        return await asyncio.shield(lookup)

    def _end_lookup(
        self, lookup: tuple[str, str | None], done: "asyncio.Future[ApiKey | None]"
    ) -> None:
        del self._lookups[lookup]
        if not done.cancelled():
            done.exception()  # so that asyncio logs none if all who waited are gone

    async def _look_up(self, key_id: str, digest: str | None) -> ApiKey | None:
        # Measured before: a revocation during the lookup must not seem to be older than it.
        read_at, read_at_wall = time.monotonic(), time.time()
        key = await self._registry.find(key_id, digest)
        self._remembered.pop(key_id, None)
        if len(self._remembered) >= _MAX_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[key_id] = _Remembered(key, read_at, read_at_wall)
        return key


def _has_digest(key: ApiKey, digest: str) -> bool:
    return compare_digest(digest, key.digest)


def _require_valid(key: ApiKey) -> None:
    if key.revoked_at is not None:
        raise Unauthenticated("The API key was revoked")
    if not key.is_valid(Instant(int(time.time() * 1000))):
        raise Unauthenticated("The API key has expired")

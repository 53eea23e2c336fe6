"""API keys of a tenant: create, list and revoke them."""

import logging
from dataclasses import dataclass

from shared.application.api_key_format import digest_of, new_key
from shared.application.errors import ApiKeyConflict
from shared.application.ports.api_keys import ApiKey, ApiKeyRegistry, ApiKeyRole, ListedApiKey
from shared.application.ports.session_store import SessionStore
from shared.domain.errors import RuleViolation, Violation
from shared.domain.units import Instant
from shared.domain.values import Value, replace

MAX_API_KEYS = 100
"""Of one tenant, with those that were revoked or have expired in the last 30 days; if there is no
room, these are removed earlier."""

_log = logging.getLogger("synckairos.security")


class NewApiKey(Value, frozen=True):
    """The settings of a new key. Without a `subject` it is `key:` and the id."""

    key_id: str
    name: str
    role: ApiKeyRole
    tenant: str | None = None
    subject: str | None = None
    expires_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class ApiKeyService:
    """The use cases of API keys. All methods raise `StoreUnavailable`."""

    registry: ApiKeyRegistry
    store: SessionStore

    async def check(self, expires_at: Instant | None) -> Instant:
        """Return the store's time, at which a key may be created.

        Raises `RuleViolation` if it would have expired by then.
        """
        now = await self.store.time()
        if expires_at is not None and expires_at <= now:
            raise RuleViolation(Violation("expires_at", "must be in the future", "too_small"))
        return now

    async def create(self, wanted: NewApiKey, by: str, now: Instant) -> tuple[ApiKey, str]:
        """Create a key for the actor `by`; return the stored record and the key itself.

        `now` is what `check` has returned. A key with this id that was never used is replaced: the
        answer that had it was lost. Raises `ApiKeyConflict` if the tenant has too many keys, or the
        one with this id was used or revoked.
        """
        keys = await self.registry.of(wanted.tenant)
        earlier = next((one for one in keys if one.key.key_id == wanted.key_id), None)
        if earlier and (earlier.used_at is not None or earlier.key.revoked_at is not None):
            raise ApiKeyConflict("The key that this request has made is in use, or was revoked")
        secret = new_key(wanted.key_id)
        key = ApiKey(
            wanted.key_id,
            digest_of(secret),
            wanted.name,
            wanted.role,
            wanted.subject or f"key:{wanted.key_id}",
            wanted.tenant,
            now,
            by,
            wanted.expires_at,
        )
        if len(keys) >= MAX_API_KEYS:
            await self._forget_oldest_invalid(keys, now)
        if not await self.registry.add(key, MAX_API_KEYS):
            raise ApiKeyConflict(f"There are {MAX_API_KEYS} API keys already; revoke one first")
        _log.info("API key %s (%s, %r) created by %s", key.key_id, key.role, key.name, by)
        return key, secret

    async def all(self, tenant: str | None) -> list[ListedApiKey]:
        """Return the keys of the tenant, the oldest first."""
        return await self.registry.of(tenant)

    async def revoke(self, tenant: str | None, key_id: str, by: str) -> bool:
        """Revoke the tenant's key for the actor `by`; return whether there is such a key."""
        keys = {one.key.key_id: one.key for one in await self.registry.of(tenant)}
        key = keys.get(key_id)
        if key is not None and key.revoked_at is None:
            await self.registry.revoke(replace(key, revoked_at=await self.store.time()))
            _log.info("API key %s (%r) revoked by %s", key.key_id, key.name, by)
        return key is not None

    async def _forget_oldest_invalid(self, keys: list[ListedApiKey], now: Instant) -> None:
        invalid = [one.key for one in keys if not one.key.is_valid(now)]
        if invalid:
            await self.registry.forget(invalid[0])

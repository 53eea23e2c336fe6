"""Interface of the API keys of tenants."""

from typing import Literal, Protocol

from shared.domain.units import Instant
from shared.domain.values import Value

ApiKeyRole = Literal["service", "host"]


class ApiKey(Value, frozen=True):
    """A key with which its caller has `role` in `tenant`, as `subject`.

    `digest` is the SHA-256 of the key, in hexadecimal digits; the key itself is not stored.
    """

    key_id: str
    digest: str
    name: str
    role: ApiKeyRole
    subject: str
    tenant: str | None
    created_at: Instant
    created_by: str
    expires_at: Instant | None = None
    revoked_at: Instant | None = None

    def is_valid(self, now: Instant) -> bool:
        """Return whether the key is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class ListedApiKey(Value, frozen=True):
    """A key, and when it was used last, to about a minute."""

    key: ApiKey
    used_at: Instant | None = None


class ApiKeyRegistry(Protocol):
    """Stores API keys. All methods raise `StoreUnavailable`."""

    async def add(self, key: ApiKey, most: int) -> bool:
        """Store `key`, in place of the one with its id; False if the tenant has `most` keys."""

    async def find(self, key_id: str, digest: str | None) -> ApiKey | None:
        """Return the key with this id, and note its use if that is its digest.

        `digest` is None if the caller has shown the key before; that counts as a use, too.
        """

    async def of(self, tenant: str | None) -> list[ListedApiKey]:
        """Return the tenant's keys, the oldest first; revoked and expired ones for 30 days."""

    async def revoke(self, key: ApiKey) -> None:
        """Store that `key` is revoked, if it is still stored."""

    async def forget(self, key: ApiKey) -> None:
        """Remove `key`."""

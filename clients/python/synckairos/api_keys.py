"""API keys of the caller's tenant (docs/api-keys.md); only a service may manage them."""

from typing import Literal, NotRequired, TypedDict, cast

from synckairos.api import Api, given
from synckairos.ids import path_segment

_PATH = "/v1/api-keys"


class ApiKey(TypedDict):
    """A key, which begins with `prefix`. Only a new one has its `key`."""

    key_id: str
    name: str
    prefix: str
    role: Literal["service", "host"]
    subject: str
    created_at: str
    created_by: str
    last_used_at: NotRequired[str]
    expires_at: NotRequired[str]
    revoked_at: NotRequired[str]
    key: NotRequired[str]


class ApiKeys:
    """Creates and revokes API keys. All methods raise `ApiError`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def create(
        self,
        name: str,
        role: Literal["service", "host"],
        *,
        subject: str | None = None,
        expires_at: str | None = None,
    ) -> ApiKey:
        """Create a key that is valid until `expires_at` (ISO 8601) if that is given.

        The answer has the key itself, for the only time.
        """
        body = given(name=name, role=role, subject=subject, expires_at=expires_at)
        return cast(ApiKey, await self._api.change("POST", _PATH, body))

    async def list(self) -> list[ApiKey]:
        """Return all keys, the oldest first; revoked and expired ones for 30 days."""
        return cast("list[ApiKey]", (await self._api.get(_PATH))["api_keys"])

    async def revoke(self, key_id: str) -> None:
        """Revoke a key, which takes effect within 5 s; one that doesn't exist is ignored."""
        await self._api.change("DELETE", f"{_PATH}/{path_segment(key_id)}")

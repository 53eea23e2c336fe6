"""An issuer's public keys (RFC 7517), fetched once and again when a token names an unknown one."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import jwt

from shared.errors import StoreUnavailable

_REST_S = 60.0
"""Whoever makes up key ids can have the keys fetched so often and no more."""

_LIFETIME_S = 600.0
"""A key that its issuer has withdrawn is good no longer than this."""

_LONGEST_S = 3600.0
"""The same where the issuer can't be asked: an outage of theirs is not at once one of ours."""

_RETRY_S = 1.0
_TIMEOUT = httpx.Timeout(1.0)

_log = logging.getLogger("synckairos.access")


class FetchedKeys:
    """`KeySource` at the address `url`. One fetch at a time, at most one a minute."""

    def __init__(
        self,
        url: str,
        transport: httpx.AsyncBaseTransport | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._transport = transport
        self._now = now
        self._keys: Mapping[str | None, jwt.PyJWK] = {}
        self._fetched_at = float("-inf")
        self._rests_until = float("-inf")
        self._fetching = asyncio.Lock()

    async def find(self, kid: str | None) -> jwt.PyJWK | None:
        """See `KeySource`. A token without `kid` is taken for one of the only key there is."""
        if self._is_wanting(kid):
            async with self._fetching:
                if self._is_wanting(kid):
                    await self._refresh()
        if not self._keys or self._now() - self._fetched_at > _LONGEST_S:
            raise StoreUnavailable("The keys of who issues tokens can't be fetched right now")
        return self._keys.get(kid)

    def _is_wanting(self, kid: str | None) -> bool:
        """Whether a fetch could tell more, and may be made."""
        now = self._now()
        is_old = now - self._fetched_at > _LIFETIME_S
        return now >= self._rests_until and (is_old or kid not in self._keys)

    async def _refresh(self) -> None:
        try:
            self._keys = _keys_in(await self._fetched())
            self._fetched_at = self._now()
        except (httpx.HTTPError, ValueError, jwt.PyJWTError):
            _log.warning("the keys of who issues tokens could not be fetched from %s", self._url)
        # Without any key nobody can be let in: then it is asked again soon.
        self._rests_until = self._now() + (_REST_S if self._keys else _RETRY_S)

    async def _fetched(self) -> Any:
        async with httpx.AsyncClient(timeout=_TIMEOUT, transport=self._transport) as http:
            answer = await http.get(self._url)
        answer.raise_for_status()
        return answer.json()


def _keys_in(document: Any) -> Mapping[str | None, jwt.PyJWK]:
    """Keys by id, those to sign with alone; a single one also without.

    Raises `PyJWTError` or `ValueError` for what is no set of keys.
    """
    if not isinstance(document, dict):
        raise ValueError("not a key set")
    found = [key for key in jwt.PyJWKSet.from_dict(document).keys if key.public_key_use != "enc"]
    keys: dict[str | None, jwt.PyJWK] = {key.key_id: key for key in found}
    if len(found) == 1:
        keys[None] = found[0]
    return keys

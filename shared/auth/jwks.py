"""Public keys of a token issuer (RFC 7517), cached, and fetched again for an unknown key id."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import jwt

from shared.application.errors import StoreUnavailable

_MIN_INTERVAL_S = 60.0
"""Shortest time between two fetches, so that invented key ids can't cause more of them."""

_MAX_AGE_S = 600.0
"""Age at which keys are fetched again; bounds the use of a key that its issuer has withdrawn."""

_MAX_STALE_S = 3600.0
"""Longest use of keys that can't be refreshed, so that this service survives a short outage of
the issuer."""

_RETRY_S = 1.0
"""Time between two fetches as long as there are no keys, because nobody can authenticate then."""

_TIMEOUT = httpx.Timeout(1.0)

_log = logging.getLogger("synckairos.access")


class JwksClient:
    """`KeySource` that fetches `url`, with one fetch at a time."""

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
        self._next_fetch_at = float("-inf")
        self._fetch_lock = asyncio.Lock()

    async def find(self, kid: str | None) -> jwt.PyJWK | None:
        """See `KeySource`. For a token without `kid`, return the key if there is only one."""
        if self._should_fetch(kid):
            async with self._fetch_lock:
                if self._should_fetch(kid):
                    await self._refresh()
        if not self._keys or self._now() - self._fetched_at > _MAX_STALE_S:
            raise StoreUnavailable("The keys of the token issuer are unavailable")
        return self._keys.get(kid)

    def _should_fetch(self, kid: str | None) -> bool:
        now = self._now()
        is_old = now - self._fetched_at > _MAX_AGE_S
        return now >= self._next_fetch_at and (is_old or kid not in self._keys)

    async def _refresh(self) -> None:
        try:
            self._keys = _keys_in(await self._fetch())
            self._fetched_at = self._now()
        except (httpx.HTTPError, ValueError, jwt.PyJWTError):
            _log.warning("could not fetch the token issuer's keys from %s", self._url)
        self._next_fetch_at = self._now() + (_MIN_INTERVAL_S if self._keys else _RETRY_S)

    async def _fetch(self) -> Any:
        async with httpx.AsyncClient(timeout=_TIMEOUT, transport=self._transport) as http:
            answer = await http.get(self._url)
        answer.raise_for_status()
        return answer.json()


def _keys_in(document: Any) -> Mapping[str | None, jwt.PyJWK]:
    """Return the signing keys by id; if there is only one, also under None.

    Raises `PyJWTError` or `ValueError` if `document` is not a key set.
    """
    if not isinstance(document, dict):
        raise ValueError("not a key set")
    found = [key for key in jwt.PyJWKSet.from_dict(document).keys if key.public_key_use != "enc"]
    keys: dict[str | None, jwt.PyJWK] = {key.key_id: key for key in found}
    if len(found) == 1:
        keys[None] = found[0]
    return keys

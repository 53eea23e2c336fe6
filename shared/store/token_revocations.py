"""`TokenRevocations` in Redis: one hash per session, beside the session."""

from shared.application.ports.token_revocations import Revocation, SessionToken
from shared.application.push_messages import tokens_revoked_prefix
from shared.domain.units import DAY, Instant
from shared.store.connection import Argument, Command, Reply, StoreConnection, load_script
from shared.store.keys import StoreKeys

_ALL = "*"
_KEPT = 7 * DAY
"""Tokens of this service have expired a day later; those of a backend may be valid for longer."""

_MOST_IDS = 1_000
"""Tokens of a session that may be revoked one by one; more need a revocation of all."""


class RedisTokenRevocations:
    """Revocations of the tokens of each session, by token id, and the last one of all tokens."""

    def __init__(self, redis: StoreConnection, keys: StoreKeys) -> None:
        self._redis = redis
        self._keys = keys

    async def revoke(self, name: str, token_id: str | None) -> bool:
        keys = [self._keys.revoked_tokens(name), self._keys.push_channel(name)]
        arguments: list[Argument] = [
            token_id or _ALL,
            _KEPT,
            _MOST_IDS,
            tokens_revoked_prefix(token_id),
        ]
        return bool(await self._redis.run(load_script("revoke_tokens"), keys, arguments))

    async def all_revoked_at(self, name: str) -> Instant | None:
        (found,) = await self._redis.ask([("HGET", self._keys.revoked_tokens(name), _ALL)])
        return Instant(int(found)) if found else None

    async def is_revoked(self, token: SessionToken) -> bool:
        (reply,) = await self._redis.ask([revocation_command(self._keys, token)])
        return is_revoked(token, reply)


def revocation_command(keys: StoreKeys, token: SessionToken) -> Command:
    """Return the command that reads whether `token` is revoked."""
    return ("HMGET", keys.revoked_tokens(token.name), _ALL, token.token_id or _ALL)


def is_revoked(token: SessionToken, reply: Reply) -> bool:
    """Return whether the reply to `revocation_command` revokes `token`."""
    all_revoked_at, own = reply
    if token.token_id and own:
        return True
    return bool(all_revoked_at) and Revocation(Instant(int(all_revoked_at))).covers(token)

"""`JoinCodes` in Redis: one hash per open code, and one of its uses, which expire with it."""

from typing import Literal

import msgspec

from shared.application.ports.commit import UNLIMITED, OwnerLimits, QuotaExceeded
from shared.application.ports.join_codes import (
    JoinCode,
    Joined,
    JoinRequest,
    OpenCode,
    TooManyGuesses,
)
from shared.domain.units import Millis
from shared.domain.values import replace
from shared.store.commit_script import most_bytes
from shared.store.connection import Argument, Reply, StoreConnection, load_script
from shared.store.keys import StoreKeys

MOST_WRONG_OF_ADDRESS = 10
MOST_WRONG = 300
WRONG_WINDOW = Millis(600_000)
"""Wrong codes of one address, and of all, within ten minutes. docs/security.md has the bound."""

_TAKEN = b"taken:"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(JoinCode).decode


class RedisJoinCodes:
    """Open codes by their letters, the letters by session, and counters of wrong codes.

    They are all on one shard, so that one script can compare and count them.
    """

    def __init__(self, redis: StoreConnection, keys: StoreKeys) -> None:
        self._redis = redis
        self._keys = keys

    async def find(self, name: str) -> OpenCode | None:
        (letters,) = await self._redis.ask([("GET", self._keys.join_code_of(name))])
        if letters is None:
            return None
        (fields,) = await self._redis.ask([("HGETALL", self._keys.join_code(letters.decode()))])
        return _open_code(_by_name(fields)) if fields else None

    async def open(
        self,
        name: str,
        code: JoinCode,
        replaced: JoinCode | None,
        owner: str | None = None,
        limits: OwnerLimits = UNLIMITED,
    ) -> bool | QuotaExceeded:
        old = replaced.code if replaced else ""
        keys = [
            self._keys.join_code(code.code),
            self._keys.join_code_of(name),
            self._keys.join_code(old),
            self._keys.join_requests(old),
            *self._usage(owner),
        ]
        arguments: list[Argument] = [
            code.code,
            _encode(code),
            code.expires_at,
            old,
            most_bytes(limits, self._keys),
        ]
        reply = await self._redis.run(load_script("join_open"), keys, arguments)
        return QuotaExceeded("bytes") if reply is None else bool(reply)

    async def close(self, name: str) -> None:
        (found,) = await self._redis.ask([("GET", self._keys.join_code_of(name))])
        if found is not None:
            letters = found.decode()
            keys = [
                self._keys.join_code(letters),
                self._keys.join_code_of(name),
                self._keys.join_requests(letters),
            ]
            await self._redis.run(load_script("join_close"), keys, [letters])

    async def guess(self, letters: str, address: str) -> OpenCode | TooManyGuesses | None:
        keys = [
            self._keys.join_code(letters),
            self._keys.wrong_codes(address),
            self._keys.wrong_codes(),
        ]
        limits = [MOST_WRONG_OF_ADDRESS, MOST_WRONG, WRONG_WINDOW]
        reply = await self._redis.run(load_script("join_guess"), keys, limits)
        if not reply:
            return None
        if reply[0]:
            return TooManyGuesses(Millis(reply[0]))
        return _open_code(_by_name(reply[1]))

    async def use(
        self,
        code: JoinCode,
        participant_id: str | None,
        request: JoinRequest | None,
        token_id: str,
        owner: str | None = None,
        limits: OwnerLimits = UNLIMITED,
    ) -> Joined | QuotaExceeded | Literal["taken", "closed", "reused"]:
        record = _encode(replace(code, uses=0))
        arguments: list[Argument] = [
            record,
            participant_id or "",
            request.key if request else "",
            request.content if request else "",
            code.max_uses,
            code.expires_at,
            token_id,
            most_bytes(limits, self._keys),
        ]
        keys = self._keys_of_use(code, owner)
        reply = await self._redis.run(load_script("join_use"), keys, arguments)
        match reply[0]:
            case b"taken":
                return "taken"
            case b"reused":
                return "reused"
            case b"full":
                return QuotaExceeded("bytes")
            case b"used":
                return Joined(code, reply[1].decode() or None, reply[2].decode())
            case _:
                return "closed"

    async def give_back(
        self,
        code: JoinCode,
        participant_id: str,
        request: JoinRequest | None,
        owner: str | None = None,
    ) -> None:
        request_key = request.key if request else ""
        arguments: list[Argument] = [participant_id, request_key, code.expires_at]
        keys = self._keys_of_use(code, owner)
        await self._redis.run(load_script("join_give_back"), keys, arguments)

    def _keys_of_use(self, code: JoinCode, owner: str | None) -> list[str]:
        keys = [self._keys.join_code(code.code), self._keys.join_requests(code.code)]
        return keys + self._usage(owner)

    def _usage(self, owner: str | None) -> list[str]:
        """Return the key of the owner's usage on the shard of the codes."""
        return [self._keys.held(self._keys.join_codes_shard, owner)] if owner else []


def _by_name(fields: list[Reply]) -> dict[bytes, bytes]:
    return dict(zip(fields[::2], fields[1::2], strict=True))


def _open_code(fields: dict[bytes, bytes]) -> OpenCode:
    code = replace(_decode(fields[b"record"]), uses=int(fields[b"uses"]))
    taken = {
        name[len(_TAKEN) :].decode(): token_id.decode()
        for name, token_id in fields.items()
        if name.startswith(_TAKEN)
    }
    return OpenCode(code, taken)

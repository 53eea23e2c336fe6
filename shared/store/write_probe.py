"""Checks that the store accepts changes, by a small write."""

from shared.application.errors import StoreUnavailable
from shared.domain.units import Millis
from shared.store.connection import FailedReply, OptionalScript, StoreConnection, load_script
from shared.store.counted_connection import causes_of, fault_kind
from shared.store.keys import StoreKeys

_LIFETIME = Millis(1_000)
_MOST_SHARDS = 16
"""In one check; the next check takes the next shards."""

_REASONS = {
    "OOM": "its memory is full",
    "READONLY": "it is a read-only replica",
    "MISCONF": "it can't save to its disk",
    "NOREPLICAS": "it has too few replicas",
    "CLUSTERDOWN": "its cluster is down",
    "MASTERDOWN": "it has lost its primary",
    "LOADING": "it is loading its data",
    "WRONGTYPE": "the outbox or the deadlines were replaced by something else",
    "NOPERM": "the Redis user lacks a permission",
    "NOAUTH": "it asks for a password",
    "WRONGPASS": "it refuses the user or the password",
}
"""By the code with which an error of Redis begins."""

_FAULTS = {
    "timeout": "it doesn't answer in time",
    "connection": "it can't be reached",
    "refused": "it refuses a write",
}


class StoreProbe:
    """Writes a key that expires after a second, in several shards at once."""

    def __init__(self, redis: StoreConnection, keys: StoreKeys) -> None:
        self._redis = redis
        self._keys = keys
        self._first_shard = 0

    async def check(self) -> None:
        """Return when the checked shards accepted the write. Raises `StoreUnavailable`."""
        shards, first = self._keys.all_shards, self._first_shard
        checked = (shards[first:] + shards[:first])[:_MOST_SHARDS]
        self._first_shard = (first + len(checked)) % len(shards)
        for reply in await self._redis.ask([self._probe(shard) for shard in checked]):
            if isinstance(reply, FailedReply):
                raise StoreUnavailable from reply.error

    async def fault(self) -> str | None:
        """Return why the store accepts no write; None if it does."""
        try:
            await self.check()
        except StoreUnavailable as error:
            return failure_reason(error)
        return None

    def _probe(self, shard: str) -> OptionalScript:
        keys = [self._keys.probe(shard), self._keys.deadlines(shard), self._keys.outbox(shard)]
        return OptionalScript(load_script("probe"), keys, [_LIFETIME])


def failure_reason(error: StoreUnavailable) -> str:
    """Return why the store accepted no write, without host names or secrets."""
    for cause in causes_of(error):
        words = str(cause).replace(":", " ").split()
        code = getattr(cause, "status_code", None)
        for word in (code, *words):
            if word in _REASONS:
                return f"{_REASONS[word]} ({word})"
    return _FAULTS[fault_kind(error)]

"""Detecting that a shard of the store has lost its data, and recovering it."""

from collections.abc import Collection, Hashable, Mapping
from typing import Protocol

Epoch = tuple[str, Hashable]
"""A marker of a shard, and the connection by which it was read.

While both stay the same, the shard has lost no data. The marker is lost together with the data.
The connection changes when another server takes over, which may lack the last changes that its
predecessor acknowledged.
"""


class DataLossDetector(Protocol):
    """Detects shards of the store that have lost their data, and coordinates their recovery."""

    def shard_of(self, name: str) -> str:
        """Return the shard of the session `name`."""

    async def lost(self) -> list[str]:
        """Return the shards that have lost their data since the last recovery, or are new.

        Unreachable shards are left out. Raises `StoreUnavailable` if no shard can be reached.
        """

    async def begin_recovery(self, by: str, shards: Collection[str]) -> list[str]:
        """Lease `shards` to `by` for recovery; return those that it holds.

        Repeat the call during the recovery: the lease of a silent instance expires, so that
        another one can take over.
        """

    async def end_recovery(self, by: str, shards: Collection[str]) -> None:
        """Mark `shards` as recovered, which begins a new epoch.

        A shard that lost its data again since `by` began is not marked.
        """

    async def epochs(self) -> Mapping[str, Epoch]:
        """Return the epoch of each shard.

        Leaves out shards that have lost their data, or whose connection doesn't tell when another
        server takes over. Raises `StoreUnavailable`.
        """

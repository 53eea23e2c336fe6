"""A Redis by its native protocol: one server, a cluster, or a primary named by Sentinel."""

from shared.store.redis.address import RedisAddress
from shared.store.redis.connection import NativeConnection

__all__ = ["NativeConnection", "RedisAddress"]

"""Redis over its native protocol: one server, a cluster, or a primary found by Sentinel."""

from shared.store.redis.address import RedisAddress
from shared.store.redis.connection import NativeConnection

__all__ = ["NativeConnection", "RedisAddress"]

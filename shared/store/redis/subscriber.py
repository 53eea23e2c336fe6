"""A client for pub/sub, which redis-py does."""

from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from shared.store.redis.address import Endpoint, RedisAddress


def pubsub_client(address: RedisAddress, endpoint: Endpoint) -> Redis:
    """A client of the server at `endpoint`; a connection that breaks is not opened again."""
    options: dict[str, Any] = {
        "username": address.login.username,
        "password": address.login.password,
        "db": address.database,
        "client_name": address.client_name,
        "protocol": 2,
        "socket_timeout": address.timeouts.reply_s,
        "socket_connect_timeout": address.timeouts.connect_s,
        "retry": Retry(NoBackoff(), 0),
    }
    if endpoint.path:
        pool = ConnectionPool(UnixDomainSocketConnection, path=endpoint.path, **options)
    else:
        options |= {"host": endpoint.host, "port": endpoint.port}
        if address.tls:
            pool = ConnectionPool(SSLConnection, **options, **address.tls.options)
        else:
            pool = ConnectionPool(Connection, **options)
    return Redis.from_pool(pool)

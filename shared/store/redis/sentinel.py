"""Finds the primary that Sentinel has chosen."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from hiredis import ReplyError
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import RedisError

from shared.store.redis.address import Endpoint, RedisAddress
from shared.store.redis.handshake import CONNECT_TIMEOUT_S, Refused, asked, open_link
from shared.store.redis.link import Link

FindPrimary = Callable[[], Awaitable[Endpoint]]


def primary_finder(address: RedisAddress) -> FindPrimary:
    """What asks the Sentinels of `address` for the primary; raises `ConnectionError`."""
    tls = {"ssl": True, **address.tls.options} if address.tls else {}

    async def find() -> Endpoint:
        assert address.primary_name
        sentinel = Sentinel(  # type: ignore[no-untyped-call] # it has no types
            [(one.host, one.port) for one in address.endpoints],
            sentinel_kwargs={
                "username": address.sentinel_login.username,
                "password": address.sentinel_login.password,
                "socket_timeout": CONNECT_TIMEOUT_S,
                "socket_connect_timeout": CONNECT_TIMEOUT_S,
                **tls,
            },
        )
        try:
            host, port = await sentinel.discover_master(address.primary_name)
        except RedisError as error:
            raise ConnectionError(f"no Sentinel names a primary: {error}") from error
        finally:
            for client in sentinel.sentinels:
                with suppress(RedisError, OSError):
                    await client.aclose()
        return Endpoint(host, port)

    return find


async def open_primary(address: RedisAddress, find: FindPrimary) -> Link:
    """A connection to the primary, which says itself that it is one.

    Raises as `open_link` does, and `Refused` by a server that is a replica by now.
    """
    link = await open_link(address, await find())
    (role,) = await asked(link, [("ROLE",)])
    if not isinstance(role, ReplyError) and role[0] != b"master":
        link.close()
        raise Refused("the server that Sentinel names is not the primary yet")
    return link

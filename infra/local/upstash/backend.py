"""The Redis behind the endpoint."""

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from infra.local.upstash.refusals import Command, Failure
from infra.local.upstash.replies import Reply

_CONNECT_TIMEOUT_S = 10.0
_REPLY_TIMEOUT_S = 10.0


class Backend:
    """Commands to it, and replies as they come, errors word for word.

    Nothing is sent twice. Every method raises a `RedisError` where Redis can't be reached.
    """

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url,
            protocol=2,
            socket_timeout=_REPLY_TIMEOUT_S,
            socket_connect_timeout=_CONNECT_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis.response_callbacks.clear()

    async def ask(self, commands: list[Command]) -> list[Reply]:
        """The reply to each command, in one round trip."""
        return await self._sent(commands, atomic=False) if commands else []

    async def transact(self, commands: list[Command]) -> list[Reply] | Failure:
        """The same as one transaction, or the error for which Redis has discarded it."""
        try:
            return await self._sent(commands, atomic=True)
        except ResponseError:  # its text is the client's, not Redis's
            return Failure("EXECABORT Transaction discarded because of previous errors.")

    def listener(self) -> PubSub:
        """Something to subscribe with, on a connection of its own."""
        return self._redis.pubsub()

    async def close(self) -> None:
        """Let the connections go."""
        await self._redis.aclose()

    async def _sent(self, commands: list[Command], *, atomic: bool) -> list[Reply]:
        async with self._redis.pipeline(transaction=atomic) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            return [_read(reply) for reply in await pipeline.execute(raise_on_error=False)]


def _read(reply: Reply) -> Reply:
    if isinstance(reply, ResponseError):
        return _failure(reply)
    if isinstance(reply, list):
        return [_read(part) for part in reply]
    return reply


def _failure(error: ResponseError) -> Failure:
    """The error as Redis wrote it; its client has cut off the code where it knows it."""
    return Failure(f"{error.status_code} {error}" if error.status_code else str(error))

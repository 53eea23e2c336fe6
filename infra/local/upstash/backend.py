"""Connection to the Redis server behind the endpoint."""

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from infra.local.upstash.errors import Command, ErrorReply
from infra.local.upstash.replies import Reply

_CONNECT_TIMEOUT_S = 10.0
_REPLY_TIMEOUT_S = 10.0


class RedisBackend:
    """Sends commands to Redis, without retries, and returns raw replies and unchanged error texts.

    Methods raise `RedisError` if Redis is unreachable.
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
        """Return the reply to each command, in one round trip."""
        return await self._execute(commands, atomic=False) if commands else []

    async def transact(self, commands: list[Command]) -> list[Reply] | ErrorReply:
        """Run the commands in a transaction; return the replies, or why it was discarded."""
        try:
            return await self._execute(commands, atomic=True)
        except ResponseError:  # redis-py has changed Redis's text
            return ErrorReply("EXECABORT Transaction discarded because of previous errors.")

    def listener(self) -> PubSub:
        """Return a subscriber with its own connection."""
        return self._redis.pubsub()

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _execute(self, commands: list[Command], *, atomic: bool) -> list[Reply]:
        async with self._redis.pipeline(transaction=atomic) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            return [_convert(reply) for reply in await pipeline.execute(raise_on_error=False)]


def _convert(reply: Reply) -> Reply:
    """Replace redis-py's errors in a reply by `ErrorReply`."""
    if isinstance(reply, ResponseError):
        return _failure(reply)
    if isinstance(reply, list):
        return [_convert(part) for part in reply]
    return reply


def _failure(error: ResponseError) -> ErrorReply:
    """Restore Redis's error text: redis-py removes the error codes that it knows."""
    return ErrorReply(f"{error.status_code} {error}" if error.status_code else str(error))

"""Instances that can be restarted one after the other."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from infra.local.instance import Instance, running
from infra.local.ports import free_port


class Fleet:
    """Instances on ports that stay theirs."""

    def __init__(self, redis_url: str, size: int, **settings: str) -> None:
        self.ports = [free_port() for _ in range(size)]
        self._redis_url = redis_url
        self._settings = settings
        self._stacks = [ExitStack() for _ in self.ports]
        self._instances: dict[int, Instance] = {}

    def start(self, place: int) -> None:
        """Start one, and return when it answers."""
        port = self.ports[place]
        instance = running(self._redis_url, port=port, quiet=True, **self._settings)
        self._instances[place] = self._stacks[place].enter_context(instance)

    def stop(self, place: int) -> None:
        """Have one end in good order, and return when it has."""
        self._stacks[place].close()

    def kill(self, place: int) -> None:
        """Have one end at once."""
        self._instances[place].process.send_signal(signal.SIGKILL)
        self._stacks[place].close()

    def end(self) -> None:
        """Have all end without leaving first, for nobody is there any more."""
        for instance in self._instances.values():
            instance.process.send_signal(signal.SIGINT)
        for stack in self._stacks:
            stack.close()

    async def restart(self, place: int) -> None:
        """Stop it and start it anew, on the same port."""
        await asyncio.to_thread(self.stop, place)
        await asyncio.to_thread(self.start, place)


@contextmanager
def fleet(redis_url: str, size: int, **settings: str) -> Iterator[Fleet]:
    """So many instances, to the end of the block."""
    instances = Fleet(redis_url, size, **settings)
    try:
        for place in range(size):
            instances.start(place)
        yield instances
    finally:
        instances.end()

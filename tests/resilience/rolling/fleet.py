"""Instances that can be restarted one by one."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from infra.local.instance import Instance, running
from infra.local.ports import free_port


class Fleet:
    """Instances on fixed ports, addressed by their index."""

    def __init__(self, redis_url: str, size: int, **settings: str) -> None:
        self.ports = [free_port() for _ in range(size)]
        self._redis_url = redis_url
        self._settings = settings
        self._stacks = [ExitStack() for _ in self.ports]
        self._instances: dict[int, Instance] = {}

    def start(self, index: int) -> None:
        """Start an instance and wait until it answers."""
        port = self.ports[index]
        instance = running(self._redis_url, port=port, quiet=True, **self._settings)
        self._instances[index] = self._stacks[index].enter_context(instance)

    def stop(self, index: int) -> None:
        """Stop an instance gracefully and wait for its end."""
        self._stacks[index].close()

    def kill(self, index: int) -> None:
        """Kill an instance."""
        self._instances[index].process.send_signal(signal.SIGKILL)
        self._stacks[index].close()

    def end(self) -> None:
        """Stop all instances without draining, because no clients are left."""
        for instance in self._instances.values():
            instance.process.send_signal(signal.SIGINT)
        for stack in self._stacks:
            stack.close()

    async def restart(self, index: int) -> None:
        """Stop an instance and start a new one on the same port."""
        await asyncio.to_thread(self.stop, index)
        await asyncio.to_thread(self.start, index)


@contextmanager
def fleet(redis_url: str, size: int, **settings: str) -> Iterator[Fleet]:
    """Run `size` instances until the end of the block."""
    instances = Fleet(redis_url, size, **settings)
    try:
        for index in range(size):
            instances.start(index)
        yield instances
    finally:
        instances.end()

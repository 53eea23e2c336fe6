"""All functions, their gateway, their queues and schedules, for as long as they are needed."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from typing import Any

from anyio import CancelScope
from anyio.from_thread import BlockingPortal, start_blocking_portal

from infra.local.functions.aws import Aws, local_aws
from infra.local.functions.definitions import Definitions, read_definitions
from infra.local.functions.events import schedule_event
from infra.local.functions.gateway import Gateway
from infra.local.functions.options import Options
from infra.local.functions.pool import Counts, Pool
from infra.local.functions.serving import served
from infra.local.functions.sources import QueueSource, Schedule
from infra.local.functions.wiring import Wiring
from infra.local.unguarded import UNGUARDED

_STARTS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class _Stack:
    region: str
    gateway_port: int
    aws: Aws
    queue_urls: Mapping[str, str]
    pools: Mapping[str, Pool]


class Running:
    """What runs; every method may be called from any thread."""

    def __init__(self, stack: _Stack, portal: BlockingPortal) -> None:
        self._stack = stack
        self._portal = portal

    @property
    def url(self) -> str:
        """Where the gateway answers HTTP."""
        return f"http://127.0.0.1:{self._stack.gateway_port}"

    @property
    def aws_endpoint(self) -> str:
        """Where AWS answers: SQS and the parameter store."""
        return self._stack.aws.endpoint

    @property
    def queue_urls(self) -> Mapping[str, str]:
        """The queues' addresses, by what serverless.yml calls them."""
        return self._stack.queue_urls

    @property
    def process_ids(self) -> list[int]:
        """The processes of all instances."""
        return [pid for pool in self._stack.pools.values() for pid in pool.process_ids]

    def counts(self, function: str) -> Counts:
        """What has happened to `function` so far; it goes on counting."""
        return self._stack.pools[function].counts

    def invoke(self, function: str, event: Any) -> Any:
        """What `function` answers to `event`. Raises `FunctionFailed`."""
        return self._portal.call(self._stack.pools[function].invoke, event)

    def fire(self, function: str) -> Any:
        """What `function` answers when its schedule is due. Raises `FunctionFailed`."""
        return self.invoke(function, schedule_event(function, self._stack.region))

    def snapshot(self, function: str) -> None:
        """Prepare an instance, with SnapStart up to its snapshot, from which the next invocation
        of `function` lets it go on. Raises `FunctionFailed`."""
        self._portal.call(self._stack.pools[function].snapshot)

    def warm_up(self, *functions: str) -> None:
        """Start an instance of each. Raises `FunctionFailed`."""
        self._portal.call(_warm_up, [self._stack.pools[name] for name in functions])


@contextmanager
def running_functions(
    settings: Mapping[str, str], options: Options | None = None
) -> Iterator[Running]:
    """Run every function of serverless.yml with `settings` to the end of the block.

    Nobody is asked for tokens unless `settings` say so, whatever serverless.yml says.
    Instances start when they are first needed. Raises `NotUnderstood`, `FunctionFailed` when one
    that is to be warm doesn't start, and `OSError` when the port is taken.
    """
    options = options or Options()
    definitions = read_definitions(options.file, options.stage)
    running = _running(definitions, {**UNGUARDED, **settings}, options)
    # `closing` keeps Ctrl-C out of the event loop, which would not live to clean up after itself.
    with start_blocking_portal() as portal, closing(ExitStack()) as contexts:
        stack = contexts.enter_context(portal.wrap_async_context_manager(running))
        yield Running(stack, portal)


@asynccontextmanager
async def _running(
    definitions: Definitions, settings: Mapping[str, str], options: Options
) -> AsyncIterator[_Stack]:
    async with local_aws(definitions.region) as aws:
        urls = await aws.create_queues(definitions.queues)
        wiring = Wiring(definitions, settings, aws, urls, options)
        await wiring.store_secrets()
        pools = wiring.pools()
        gateway = Gateway(definitions.functions, pools, options.patience_s)
        # Closed in the opposite order: what still runs must end before the gateway waits for it.
        async with (
            served(gateway, options.port) as port,
            _closing(pools),
        ):
            await _warm_up([pools[name] for name in options.warm])
            async with _sources(wiring, pools):
                yield _Stack(definitions.region, port, aws, urls, pools)


@asynccontextmanager
async def _closing(pools: Mapping[str, Pool]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        with CancelScope(shield=True):
            await asyncio.gather(*(pool.close() for pool in pools.values()))


@asynccontextmanager
async def _sources(wiring: Wiring, pools: Mapping[str, Pool]) -> AsyncIterator[None]:
    """Let messages and the clock invoke functions."""
    async with asyncio.TaskGroup() as group:
        sources: list[QueueSource | Schedule] = [
            *_queue_sources(wiring, pools),
            *_schedules(wiring, pools),
        ]
        tasks = [group.create_task(source.run()) for source in sources]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


def _queue_sources(wiring: Wiring, pools: Mapping[str, Pool]) -> Iterator[QueueSource]:
    for name, function in wiring.definitions.functions.items():
        for subscription in function.subscriptions:
            queue = wiring.definitions.queues[subscription.queue]
            url = wiring.queue_urls[subscription.queue]
            yield QueueSource(wiring.aws, queue, url, subscription, pools[name])


def _schedules(wiring: Wiring, pools: Mapping[str, Pool]) -> Iterator[Schedule]:
    speed = wiring.options.schedule_speed
    for name, function in wiring.definitions.functions.items():
        for rate_s in function.rates_s if speed else ():
            yield Schedule(name, rate_s / speed, wiring.definitions.region, pools[name])


async def _warm_up(pools: list[Pool]) -> None:
    """Start one instance of each, few at a time: starting is work for a processor."""
    room = asyncio.Semaphore(_STARTS_AT_ONCE)

    async def one(pool: Pool) -> None:
        async with room:
            await pool.warm_up()

    await asyncio.gather(*(one(pool) for pool in pools))

"""Run all functions with their gateway, queues and schedules."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from typing import Any

from anyio import CancelScope
from anyio.from_thread import BlockingPortal, start_blocking_portal

from infra.local.functions.aws import SqsSsmClient, run_moto
from infra.local.functions.event_sources import QueuePoller, ScheduleTrigger
from infra.local.functions.events import schedule_event
from infra.local.functions.gateway import Gateway
from infra.local.functions.options import LocalRunOptions
from infra.local.functions.pool import FunctionMetrics, InstancePool
from infra.local.functions.pools import PoolFactory
from infra.local.functions.serverless_config import ServerlessConfig, read_config
from infra.local.no_auth_settings import NO_AUTH_SETTINGS
from infra.local.serving import serve

_MAX_CONCURRENT_STARTS = 2


@dataclass(frozen=True, slots=True)
class _Stack:
    region: str
    gateway_port: int
    aws: SqsSsmClient
    queue_urls: Mapping[str, str]
    pools: Mapping[str, InstancePool]


class LocalFunctions:
    """Handle of a local run. All methods are thread-safe."""

    def __init__(self, stack: _Stack, portal: BlockingPortal) -> None:
        self._stack = stack
        self._portal = portal

    @property
    def url(self) -> str:
        """The gateway's URL."""
        return f"http://127.0.0.1:{self._stack.gateway_port}"

    @property
    def aws_endpoint(self) -> str:
        """The endpoint URL of SQS and SSM."""
        return self._stack.aws.endpoint

    @property
    def queue_urls(self) -> Mapping[str, str]:
        """Queue URLs, by logical ID."""
        return self._stack.queue_urls

    def counts(self, function: str) -> FunctionMetrics:
        """Return the function's metrics, which are updated in place."""
        return self._stack.pools[function].counts

    def invoke(self, function: str, event: Any) -> Any:
        """Invoke `function` and return its result. Raises `FunctionError`."""
        return self._portal.call(self._stack.pools[function].invoke, event)

    def fire(self, function: str) -> Any:
        """Invoke `function` with a schedule's event. Raises `FunctionError`."""
        return self.invoke(function, schedule_event(function, self._stack.region))

    def snapshot(self, function: str) -> None:
        """Start an instance; with SnapStart only up to its snapshot, which the next invocation
        of `function` restores. Raises `FunctionError`."""
        self._portal.call(self._stack.pools[function].snapshot)

    def warm_up(self, *functions: str) -> None:
        """Start an instance of each function. Raises `FunctionError`."""
        self._portal.call(_warm_up, [self._stack.pools[name] for name in functions])


@contextmanager
def running_functions(
    settings: Mapping[str, str], options: LocalRunOptions | None = None
) -> Iterator[LocalFunctions]:
    """Run all functions of serverless.yml with `settings` until the end of the block.

    There is no authentication unless `settings` turn it on, whatever serverless.yml says.
    Instances start on demand. Raises `UnsupportedConfiguration`, `FunctionError` if a function in
    `options.warm` doesn't start, and `OSError` if the port is taken.
    """
    options = options or LocalRunOptions()
    definitions = read_config(options.file, options.stage)
    running = _running(definitions, {**NO_AUTH_SETTINGS, **settings}, options)
    # `closing` hides a KeyboardInterrupt from the event loop, so that its cleanup can finish.
    with (
        start_blocking_portal(backend_options={"use_uvloop": True}) as portal,
        closing(ExitStack()) as contexts,
    ):
        stack = contexts.enter_context(portal.wrap_async_context_manager(running))
        yield LocalFunctions(stack, portal)


@asynccontextmanager
async def _running(
    definitions: ServerlessConfig, settings: Mapping[str, str], options: LocalRunOptions
) -> AsyncIterator[_Stack]:
    async with run_moto(definitions.region) as aws:
        urls = await aws.create_queues(definitions.queues)
        wiring = PoolFactory(definitions, settings, aws, urls, options)
        await wiring.write_parameters()
        pools = wiring.pools()
        gateway = Gateway(definitions.functions, pools, options.timeout_s)
        # Pools close before the gateway, which waits for its pending requests.
        async with (
            serve(gateway, options.port) as server,
            _closing(pools),
        ):
            await _warm_up([pools[name] for name in options.warm])
            async with _sources(wiring, pools):
                yield _Stack(definitions.region, server.port, aws, urls, pools)


@asynccontextmanager
async def _closing(pools: Mapping[str, InstancePool]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        with CancelScope(shield=True):
            await asyncio.gather(*(pool.close() for pool in pools.values()))


@asynccontextmanager
async def _sources(wiring: PoolFactory, pools: Mapping[str, InstancePool]) -> AsyncIterator[None]:
    """Run the queue event sources and the schedules."""
    async with asyncio.TaskGroup() as group:
        sources: list[QueuePoller | ScheduleTrigger] = [
            *_queue_sources(wiring, pools),
            *_schedules(wiring, pools),
        ]
        tasks = [group.create_task(source.run()) for source in sources]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


def _queue_sources(wiring: PoolFactory, pools: Mapping[str, InstancePool]) -> Iterator[QueuePoller]:
    for name, function in wiring.definitions.functions.items():
        for subscription in function.subscriptions:
            queue = wiring.definitions.queues[subscription.queue]
            url = wiring.queue_urls[subscription.queue]
            yield QueuePoller(wiring.aws, queue, url, subscription, pools[name])


def _schedules(wiring: PoolFactory, pools: Mapping[str, InstancePool]) -> Iterator[ScheduleTrigger]:
    speed = wiring.options.schedule_speed
    for name, function in wiring.definitions.functions.items():
        for rate_s in function.rates_s if speed else ():
            yield ScheduleTrigger(name, rate_s / speed, wiring.definitions.region, pools[name])


async def _warm_up(pools: list[InstancePool]) -> None:
    """Start one instance of each pool, few at a time, because starts are CPU-bound."""
    slots = asyncio.Semaphore(_MAX_CONCURRENT_STARTS)

    async def warm_up(pool: InstancePool) -> None:
        async with slots:
            await pool.warm_up()

    await asyncio.gather(*(warm_up(pool) for pool in pools))

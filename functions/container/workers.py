"""The container's background workers, and the pub/sub connection that wakes them."""

from collections.abc import Callable
from functools import partial
from secrets import token_hex
from typing import Protocol

from functions.container.metrics_server import MetricsServer
from functions.container.observability import LoopLag
from functions.workers.audit_worker import AuditWorker
from functions.workers.deadline_loop import DeadlineLoop
from functions.workers.keep_awake import DatabaseKeepAwake
from functions.workers.push_retries import PushRetryWorker
from functions.workers.recovery_loop import RecoveryLoop
from functions.workers.webhooks import webhook_workers
from shared.application.activity import Activity
from shared.application.state_reader import StateReader
from shared.composition.backend import Backend
from shared.observability.prometheus import PrometheusMetrics
from shared.realtime.delivery_check import DeliveryCheck
from shared.realtime.listener import Push
from shared.realtime.redis import RedisFanOut
from shared.settings.settings import Settings
from shared.store.redis import NativeConnection


class Worker(Protocol):
    """Work that goes on until it is cancelled."""

    async def run(self) -> None:
        """Work until cancelled."""


def build_channels(
    backend: Backend,
    redis: NativeConnection,
    metrics: PrometheusMetrics,
    activity: Activity,
    observe: Callable[[Push], None] = lambda _: None,
) -> RedisFanOut:
    """Return the pub/sub connection of an instance; `observe` is called with each push."""
    echo = DeliveryCheck(backend.keys.self_check_channel(token_hex(8)), redis.publish)
    redis.set_change_callback(echo.check_now)
    return RedisFanOut(
        redis.subscriber,
        backend.keys.push_channel,
        observe=observe,
        broken=partial(metrics.count_store_error, "connection"),
        echo=echo,
        activity=activity,
        rendered=backend.rendered,
        read_update=StateReader(backend.store).update,
    )


def build_workers(
    backend: Backend,
    metrics: PrometheusMetrics,
    settings: Settings,
    channels: RedisFanOut,
    activity: Activity,
) -> list[Worker]:
    """Return the background workers that `settings` enable; `channels` wakes them."""
    deadlines = DeadlineLoop(backend.store, backend.wakeups, backend.clock, metrics, activity)
    for shard in backend.keys.all_shards:
        channels.handle(backend.keys.wake_channel(shard), deadlines.call)
    workers: list[Worker] = [deadlines, LoopLag(metrics.instance.observe_loop_lag)]
    if settings.metrics_port:
        workers.append(MetricsServer(settings.host, settings.metrics_port, metrics, backend.store))
    if backend.recovery and settings.recovery == "on":
        workers.append(RecoveryLoop(backend.recovery, metrics, activity))
    if settings.audit_worker == "on":
        workers += build_audit_workers(backend, metrics, channels, activity)
    return workers


def build_audit_workers(
    backend: Backend, metrics: PrometheusMetrics, channels: RedisFanOut, activity: Activity
) -> list[Worker]:
    """Return the audit worker, the workers of webhooks and of the database's daily ping, and the
    retry of failed pushes, as far as `backend` has them."""
    workers: list[Worker] = []
    if backend.audit:
        audit = AuditWorker(backend.outbox, backend.audit, backend.clock, metrics, activity)
        dispatcher, courier = webhook_workers(backend, metrics, activity)

        def wake(message: bytes | None) -> None:
            audit.call(message)
            dispatcher.call(message)

        for shard in backend.keys.all_shards:
            channels.handle(backend.keys.outbox_channel(shard), wake)
        workers += (audit, dispatcher, courier, DatabaseKeepAwake(backend.audit))
    if backend.pushes:
        workers.append(PushRetryWorker(backend.pushes, backend.store, metrics, activity))
    return workers

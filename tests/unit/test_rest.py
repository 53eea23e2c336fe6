"""An instance that is not used looks at the store once a minute, and at once when it is used."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from functions.container.workers import Worker
from functions.workers import audit_worker
from functions.workers.audit_worker import AuditWorker
from functions.workers.deadline_loop import DeadlineLoop
from functions.workers.push_retries import PushRetryWorker
from functions.workers.recovery_loop import RecoveryLoop
from functions.workers.webhook_courier import WebhookCourier
from functions.workers.webhook_dispatcher import WebhookDispatcher
from shared.application import activity as activity_module
from shared.application.activity import Activity
from shared.application.due_changes import WakeupHandler
from shared.application.event_loop import cancel_and_wait
from shared.application.ports.audit_log import WEBHOOK_CREATED, AuditLog, NoWebhook, Outbox
from shared.application.ports.pending_pushes import ClaimedPushes
from shared.application.ports.session_store import SessionStore, ShardWakeups, Wakeup
from shared.application.ports.webhooks import ClaimedDeliveries, WebhookQueue
from shared.application.recovery import Recovery
from shared.application.store_clock import StoreClock
from shared.composition.supabase_pushes import SupabasePushes
from shared.composition.webhooks import Webhooks
from shared.domain.units import Instant
from shared.observability.prometheus import PrometheusMetrics
from tests.support.virtual_time import Time, in_virtual_time

pytestmark = in_virtual_time

_METRICS = PrometheusMetrics(per_tenant=False)
_NONE: Any = None
"""A part of webhooks that an idle worker doesn't use."""


@pytest.fixture(autouse=True)
def _virtual_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (activity_module, audit_worker):
        monkeypatch.setattr(module, "time", Time)


class Looks:
    """The store, the outbox and the list of failed pushes; it counts how often a loop looks.

    One wake-up is due in `due_in_ms`, if that is given. Another worker holds the lease on the
    entries of the outbox.
    """

    def __init__(
        self,
        *,
        due_in_ms: int | None = None,
        has_entries: bool = False,
        has_webhooks: bool = True,
    ) -> None:
        self.count = 0
        self._due_in_ms = due_in_ms
        self.has_entries = has_entries
        self.has_webhooks = has_webhooks

    async def due_wakeups(self, _: int) -> list[ShardWakeups]:
        self.count += 1
        due = () if self._due_in_ms is None else (Wakeup("a session", Instant(self._due_in_ms)),)
        return [ShardWakeups(Instant(0), due)]

    async def restore_all(self) -> int:
        self.count += 1
        return 0

    async def is_empty(self) -> bool:
        self.count += 1
        return not self.has_entries

    async def take(self, *arguments: Any) -> Any:
        self.count += 1
        is_of_outbox = len(arguments) > 1
        if not self.has_webhooks:
            raise NoWebhook
        return [] if is_of_outbox else ClaimedPushes((), None)

    @property
    def of_webhooks(self) -> WebhookQueue:
        return cast(WebhookQueue, _QueueOfWebhooks(self))

    @property
    def pending(self) -> "Looks":
        return self

    publisher = None


class _QueueOfWebhooks:
    """A queue without messages, counted by `looks`."""

    def __init__(self, looks: Looks) -> None:
        self._looks = looks

    async def take(self, _: int) -> ClaimedDeliveries:
        self._looks.count += 1
        return ClaimedDeliveries((), None)


def deadlines(looks: Looks, activity: Activity) -> Worker:
    store, wakeups = cast(SessionStore, looks), cast(WakeupHandler, None)
    return DeadlineLoop(store, wakeups, StoreClock(), _METRICS, activity)


def recovery(looks: Looks, activity: Activity) -> Worker:
    return RecoveryLoop(cast(Recovery, looks), _METRICS, activity)


def audit(looks: Looks, activity: Activity) -> Worker:
    outbox, trail = cast(Outbox, looks), cast(AuditLog, None)
    return AuditWorker(outbox, trail, StoreClock(), _METRICS, activity)


def pushes(looks: Looks, activity: Activity) -> Worker:
    failed, store = cast(SupabasePushes, looks), cast(SessionStore, None)
    return PushRetryWorker(failed, store, _METRICS, activity)


def dispatcher(looks: Looks, activity: Activity) -> Worker:
    webhooks = Webhooks(_NONE, _NONE, _NONE, cast(Outbox, looks), allows_http=False)
    store = cast(SessionStore, None)
    return WebhookDispatcher(webhooks, None, store, _METRICS, lambda: None, activity)


def courier(looks: Looks, activity: Activity) -> Worker:
    webhooks = Webhooks(_NONE, looks.of_webhooks, _NONE, _NONE, allows_http=False)
    return WebhookCourier(webhooks, cast(SessionStore, None), _METRICS, activity)


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run())
    yield
    await cancel_and_wait([task])


async def looks_within(looks: Looks, seconds: float) -> int:
    """Let time pass; return how often the loop looked."""
    before = looks.count
    await asyncio.sleep(seconds)
    return looks.count - before


@pytest.mark.parametrize(
    ("build", "looks_in_ten_minutes"),
    [(deadlines, 10), (recovery, 10), (audit, 10), (pushes, 10), (courier, 10), (dispatcher, 0)],
)
async def test_a_loop_looks_every_second_in_use_and_once_a_minute_at_most_at_rest(
    build: Callable[[Looks, Activity], Worker], looks_in_ten_minutes: int
) -> None:
    looks, activity = Looks(), Activity()
    async with running(build(looks, activity)):
        assert await looks_within(looks, 50) in range(49, 53)
        await asyncio.sleep(20)
        assert activity.is_resting
        assert await looks_within(looks, 600) == looks_in_ten_minutes
        activity.note()
        assert await looks_within(looks, 0.5) > 0
        assert await looks_within(looks, 50) in range(49, 53)


async def test_without_a_webhook_its_worker_looks_once_a_minute_until_one_is_created() -> None:
    looks, activity = Looks(has_webhooks=False, has_entries=True), Activity()
    worker = dispatcher(looks, activity)
    assert isinstance(worker, WebhookDispatcher)
    async with running(worker):
        for _ in range(10):
            worker.call(b"")
            activity.note()
            await asyncio.sleep(59)
        assert looks.count == 10
        assert not worker.has_webhooks
        looks.has_webhooks = True
        worker.call(WEBHOOK_CREATED.encode())
        await asyncio.sleep(0.1)
        assert worker.has_webhooks
        assert await looks_within(looks, 10) > 10


async def test_without_a_webhook_nobody_looks_often_for_messages() -> None:
    looks, activity = Looks(), Activity()
    worker = courier(looks, activity)
    assert isinstance(worker, WebhookCourier)
    worker.look_often_while(lambda: False)
    async with running(worker):
        for _ in range(10):
            activity.note()
            await asyncio.sleep(59)
    assert looks.count == 10


async def test_without_a_webhook_its_worker_does_not_look_at_rest() -> None:
    looks, activity = Looks(has_webhooks=False), Activity()
    async with running(dispatcher(looks, activity)):
        await asyncio.sleep(130)
        assert activity.is_resting
        assert await looks_within(looks, 600) == 0


async def test_an_instance_does_not_rest_while_a_clock_runs_out_within_ten_minutes() -> None:
    for due_in_ms, rests in ((500_000, False), (3_000_000, True)):
        looks, activity = Looks(due_in_ms=due_in_ms), Activity()
        async with running(deadlines(looks, activity)):
            await asyncio.sleep(120)
            assert activity.is_resting is rests


async def test_entries_that_the_trail_s_worker_finds_at_rest_wake_the_webhooks_worker() -> None:
    of_trail, of_webhooks, activity = Looks(), Looks(), Activity()
    async with running(audit(of_trail, activity)), running(dispatcher(of_webhooks, activity)):
        await asyncio.sleep(90)
        assert await looks_within(of_webhooks, 120) == 0
        of_trail.has_entries = True
        assert await looks_within(of_webhooks, 60) > 0


async def test_an_instance_does_not_rest_while_entries_wait_for_the_trail() -> None:
    looks, activity = Looks(has_entries=True), Activity()
    async with running(audit(looks, activity)):
        await asyncio.sleep(120)
        assert not activity.is_resting

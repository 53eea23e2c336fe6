"""Delivers the messages of webhooks: each until it is accepted or given up.

The messages of a session reach a webhook one after another, in the order of versions. Other
webhooks and sessions don't wait for one that fails.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable
from math import inf

from shared.application.activity import Activity
from shared.application.errors import StoreUnavailable
from shared.application.event_loop import wait_for_event
from shared.application.ports.metrics import Metrics
from shared.application.ports.session_store import SessionStore
from shared.application.ports.webhooks import ClaimedDelivery, Webhook, WebhookMessage
from shared.application.webhook_retries import next_attempt_at
from shared.application.webhook_service import attempt_of
from shared.application.webhook_signing import signed_headers
from shared.composition.webhooks import Webhooks
from shared.domain.session import tenant_and_id
from shared.domain.units import Instant, Millis, after
from shared.domain.values import replace

_CONCURRENCY = 64
_MOST_OF_ONE = 8
"""Requests to one webhook at the same time, so that one that hangs leaves room for others."""

_NOT_NOW_MS = Millis(500)
_SLEEP_WITHOUT_WEBHOOK_S = 60.0
_LONGEST_SLEEP_S = 1.0
_ADDED_WITHIN_S = 0.1
_FINISH_S = 1.0

_GONE = 410

_log = logging.getLogger("synckairos.webhooks")


class WebhookCourier:
    """Delivers what is due. Several may run: a claim gives each recipient to one of them."""

    def __init__(
        self,
        webhooks: Webhooks,
        store: SessionStore,
        metrics: Metrics,
        activity: Activity,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._webhooks = webhooks
        self._store = store
        self._metrics = metrics
        self._jitter = jitter
        self._at_once: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_notified = asyncio.Event()
        self._activity = activity
        self._activity.on_begin(self._is_notified.set)
        self._is_needed: Callable[[], bool] = lambda: True

    def notify(self) -> None:
        """Wake the courier, because messages may be due."""
        self._is_notified.set()

    def look_often_while(self, is_needed: Callable[[], bool]) -> None:
        """Look for messages once a minute only, unless `is_needed` returns true or `notify` is
        called."""
        self._is_needed = is_needed

    async def run(self) -> None:
        """Deliver until cancelled; then finish what can be finished within a second."""
        try:
            while True:
                next_in_s = await self._start_in_time()
                in_use_s = _LONGEST_SLEEP_S if self._is_needed() else _SLEEP_WITHOUT_WEBHOOK_S
                longest_s = self._activity.interval_s(in_use_s)
                await wait_for_event(self._is_notified, min(next_in_s, longest_s))
        finally:
            if self._tasks:
                _, late = await asyncio.wait(self._tasks, timeout=_FINISH_S)
                for task in late:
                    task.cancel()

    async def deliver(self, adding: "asyncio.Future[None]", soon_s: float, ends_at: float) -> None:
        """Deliver until nothing is due within `soon_s` and `adding`, which adds messages, has
        ended. After `ends_at` (the loop's time, s) no attempt begins.

        Raises `StoreUnavailable`; no message is lost then.
        """
        loop = asyncio.get_running_loop()
        while True:
            is_last_round = adding.done()
            next_in_s = await self._start_due() if loop.time() < ends_at else None
            if self._tasks:
                await wait_for_event(self._is_notified, _LONGEST_SLEEP_S)
            elif next_in_s is not None and next_in_s <= soon_s:
                await wait_for_event(self._is_notified, next_in_s)
            elif is_last_round or loop.time() >= ends_at:
                return
            else:
                await wait_for_event(self._is_notified, _ADDED_WITHIN_S)

    async def _start_in_time(self) -> float:
        """Start what is due; return the seconds to wait until more may be due."""
        try:
            next_in_s = await self._start_due()
        except StoreUnavailable as error:
            _log.debug("will retry: %s", error.message)
            return _LONGEST_SLEEP_S
        except Exception:
            _log.exception("looking for messages failed; it will be retried")
            return _LONGEST_SLEEP_S
        return inf if next_in_s is None else next_in_s

    async def _start_due(self) -> float | None:
        """Start what is due, as far as there is room; return the seconds until the next is due."""
        room = _CONCURRENCY - len(self._tasks)
        if room <= 0:
            return None
        taken = await self._webhooks.queue.take(room)
        for claimed in taken.deliveries:
            task = asyncio.create_task(self._attempt(claimed))
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        return None if taken.next_in_ms is None else taken.next_in_ms / 1000

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Look for the next message of that recipient, and for others if there was no room."""
        self._tasks.discard(task)
        self.notify()

    async def _attempt(self, claimed: ClaimedDelivery) -> None:
        """Make one attempt. After an unexpected error it is repeated when its claim expires."""
        recipient = claimed.recipient
        told = {"session_id": recipient.session_name, "webhook_id": recipient.webhook_id}
        try:
            tenant, _ = tenant_and_id(recipient.session_name)
            webhook = await self._webhooks.registry.find(tenant, recipient.webhook_id)
            now = await self._store.time()
            message = await self._webhooks.queue.oldest(recipient)
            if webhook is None or webhook.off_reason or message is None:
                await self._webhooks.queue.discard(claimed)
            elif self._at_once[webhook.webhook_id] >= _MOST_OF_ONE:
                await self._webhooks.queue.postpone(claimed, after(now, _NOT_NOW_MS))
            else:
                await self._send(claimed, webhook, message, now)
        except StoreUnavailable:
            _log.debug("no store; will retry", extra=told)
        except Exception:
            _log.exception("an attempt failed", extra=told)

    async def _send(
        self,
        claimed: ClaimedDelivery,
        webhook: Webhook,
        message: WebhookMessage,
        began: Instant,
    ) -> None:
        self._at_once[webhook.webhook_id] += 1
        try:
            headers = signed_headers(webhook, message, began)
            result = await self._webhooks.sender.send(webhook.url, headers, message.body)
        finally:
            self._at_once[webhook.webhook_id] -= 1
        is_gone = result.status == _GONE
        next_at = None
        if not result.is_accepted and not is_gone:
            failed_at = after(began, result.duration_ms)
            next_at = next_attempt_at(claimed.attempt, failed_at, self._jitter)
        attempt = attempt_of(message, claimed.attempt, result, began, next_at)
        if is_gone:
            off = replace(webhook, off_reason="the receiver answered 410")
            tenant, _ = tenant_and_id(claimed.recipient.session_name)
            await self._webhooks.registry.replace(tenant, webhook, off)
        await self._webhooks.queue.record(claimed, attempt)
        self._metrics.count_webhook_attempt(attempt.outcome)
        if attempt.outcome == "dead":
            _log.warning(
                "gave up a message: %s",
                attempt.reason,
                extra={
                    "session_id": claimed.recipient.session_name,
                    "webhook_id": webhook.webhook_id,
                },
            )

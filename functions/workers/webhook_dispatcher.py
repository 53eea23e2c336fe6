"""Puts the events of the outbox into the queues of the webhooks that receive them.

An entry leaves the outbox only after its messages are in their queues. So a crash at any point
loses no event; it may repeat one.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from secrets import token_hex

from shared.application.activity import Activity
from shared.application.audit_entries import (
    decode_entry,
    decode_event,
    decode_key,
    decode_snapshot,
)
from shared.application.errors import AuditUnavailable, StoreUnavailable
from shared.application.event_loop import LARGE_BYTES, wait_for_event, yield_to_event_loop
from shared.application.ports.audit_log import WEBHOOK_CREATED, AuditLog, NoWebhook, QueuedEntry
from shared.application.ports.metrics import Metrics
from shared.application.ports.session_store import SessionStore
from shared.application.ports.webhooks import Attempt, Recipient, Webhook, WebhookMessage
from shared.application.webhook_messages import event_name, message_of
from shared.composition.webhooks import Webhooks
from shared.domain.session import Session

_BATCH = 100
_LONGEST_SLEEP_S = 1.0
"""Limits, in use, the delay after a lost notification, and until a crashed worker is replaced."""

_SLEEP_WITH_ENTRIES_S = 0.25
"""A notification comes only if the outbox was empty. Where it isn't, because the trail's worker has
not written all entries yet, an expiry must still be sent within a second."""

_LOOK_FOR_WEBHOOK_S = 60.0
"""Without a webhook, limits the delay after a lost message that one was created."""

_RETRY_S = 1.0

_Addressed = tuple[Recipient, WebhookMessage]

_log = logging.getLogger("synckairos.webhooks")


class WebhookDispatcher:
    """Reads the outbox as a second group of workers. Several may run; a lease lets one work on a
    shard. `audit` completes the sessions of large entries; `notify` is called after new messages.
    """

    def __init__(
        self,
        webhooks: Webhooks,
        audit: AuditLog | None,
        store: SessionStore,
        metrics: Metrics,
        notify: Callable[[], None],
        activity: Activity,
    ) -> None:
        self._webhooks = webhooks
        self._audit = audit
        self._store = store
        self._metrics = metrics
        self._notify = notify
        self._name = token_hex(8)
        self._is_notified = asyncio.Event()
        self._webhook_created = asyncio.Event()
        self.has_webhooks = True
        """Whether there was a webhook when this worker last looked."""
        self._activity = activity
        self._activity.on_begin(self._is_notified.set)

    def call(self, message: bytes | None) -> None:
        """Wake the worker, because the outbox may have new entries; without a webhook, only if one
        may have been created."""
        self._is_notified.set()
        if message is None or message == WEBHOOK_CREATED.encode():
            self._webhook_created.set()

    async def run(self) -> None:
        """Dispatch entries until cancelled."""
        while True:
            try:
                dispatched = await self.dispatch()
                if dispatched is None:
                    await self._wait_for_webhook()
                elif not dispatched:
                    await self._rest()
            except StoreUnavailable as error:
                _log.debug("will retry: %s", error.message)
                await asyncio.sleep(_RETRY_S)
            except Exception:
                _log.exception("dispatching failed; it will be retried")
                await asyncio.sleep(_RETRY_S)

    async def dispatch(self) -> int | None:
        """Dispatch one batch; return the number of entries, or None if there is no webhook.

        Raises `StoreUnavailable`; entries that weren't dispatched then stay in the outbox.
        """
        try:
            taken = await self._webhooks.outbox.take(self._name, _BATCH)
        except NoWebhook:
            self.has_webhooks = False
            return None
        self.has_webhooks = True
        if not taken:
            return 0
        messages = await self._messages_of(taken)
        if messages:
            await self._add(messages)
        await self._webhooks.outbox.settle(taken)
        return len(taken)

    async def _wait_for_webhook(self) -> None:
        """Wait until there may be a webhook. At rest no request can have created one."""
        while not await wait_for_event(self._webhook_created, _LOOK_FOR_WEBHOOK_S):
            if not self._activity.is_resting:
                return

    async def _rest(self) -> None:
        """Wait until there may be new entries. Raises `StoreUnavailable`.

        At rest only the trail's worker looks at the outbox: entries that it finds end the rest.
        """
        is_empty = await self._webhooks.outbox.is_empty()
        in_use_s = _LONGEST_SLEEP_S if is_empty else _SLEEP_WITH_ENTRIES_S
        while not await wait_for_event(self._is_notified, self._activity.interval_s(in_use_s)):
            if not self._activity.is_resting and not await self._webhooks.outbox.is_empty():
                return

    async def _add(self, messages: Sequence[_Addressed]) -> None:
        now = await self._store.time()
        for recipient, message in await self._webhooks.queue.add(messages, now):
            reason = "too many messages wait for this webhook"
            dropped = Attempt(now, message.message_id, message.event, 0, "dropped", reason=reason)
            await self._webhooks.queue.log(recipient, dropped)
            self._metrics.count_webhook_attempt("dropped")
        self._notify()

    async def _messages_of(self, taken: Sequence[QueuedEntry]) -> list[_Addressed]:
        named = [(queued, tenant) for queued in taken for tenant in _tenant_of(queued)]
        tenants = list({tenant for _, tenant in named})
        found = await asyncio.gather(*map(self._webhooks.registry.of, tenants))
        of_tenant = dict(zip(tenants, found, strict=True))
        messages: list[_Addressed] = []
        for queued, tenant in named:
            try:
                messages += await self._addressed(queued, of_tenant[tenant])
            except ValueError:
                _log.exception("entry %s of %s isn't sent", queued.id, queued.shard)
        return messages

    async def _addressed(
        self, queued: QueuedEntry, webhooks: Sequence[Webhook]
    ) -> list[_Addressed]:
        """Return the message of an entry for each webhook that receives it."""
        raw = queued.entry or b""
        receiving = [w for w in webhooks if w.created_at <= queued.queued_at]
        if not receiving:
            return []
        event = event_name(decode_event(raw))
        receiving = [webhook for webhook in receiving if webhook.receives(event)]
        if not receiving:
            return []
        if len(raw) > LARGE_BYTES:
            await yield_to_event_loop()
        name = decode_key(raw).session_name
        message = message_of(decode_entry(raw), await self._session_of(name, queued))
        return [(Recipient(webhook.webhook_id, name), message) for webhook in receiving]

    async def _session_of(self, name: str, queued: QueuedEntry) -> Session | None:
        """Return the session after the event; None if not all of its participants are known."""
        snapshot = decode_snapshot(queued.entry or b"")
        if snapshot.difference is None:
            return snapshot.session
        completed = await self._webhooks.outbox.entry(name, queued.id) or snapshot
        if completed.difference is None:
            return completed.session
        try:
            whole = await self._audit.completed(completed) if self._audit else None
        except AuditUnavailable:
            return None
        return whole.session if whole else None


def _tenant_of(queued: QueuedEntry) -> Sequence[str | None]:
    """Return the entry's tenant, in a list; nothing if it isn't an entry, which only the trail's
    worker reports."""
    try:
        return [decode_key(queued.entry or b"").tenant]
    except ValueError:
        return []

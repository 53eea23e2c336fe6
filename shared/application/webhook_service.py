"""Webhooks of a tenant: create, list, change, test and remove them, and list their deliveries."""

from dataclasses import dataclass
from secrets import token_hex

from shared.application.errors import AuditUnavailable, WebhookConflict, WebhookNotFound
from shared.application.ports.session_store import SessionStore
from shared.application.ports.webhooks import (
    Attempt,
    AttemptOutcome,
    Recipient,
    SendResult,
    SigningSecret,
    Webhook,
    WebhookMessage,
    WebhookQueue,
    WebhookRegistry,
    WebhookSender,
)
from shared.application.webhook_messages import test_message
from shared.application.webhook_signing import signed_headers, with_new_secret
from shared.application.webhook_urls import parse_url
from shared.domain.units import Instant

MAX_WEBHOOKS = 10
"""Of one tenant."""


@dataclass(frozen=True, slots=True)
class WebhookService:
    """The use cases of webhooks. All methods raise `StoreUnavailable`.

    With `allows_http`, the receiver may also be an `http` server on this machine. `has_events` is
    false if nothing fills the outbox, because no audit trail is set up.
    """

    registry: WebhookRegistry
    queue: WebhookQueue
    sender: WebhookSender
    store: SessionStore
    allows_http: bool
    has_events: bool

    def check(self, url: str) -> None:
        """Raise `RuleViolation` for a wrong URL, and `AuditUnavailable` without an audit trail."""
        parse_url(url, allows_http=self.allows_http)
        if not self.has_events:
            raise AuditUnavailable("Webhooks need an audit database, and none is set up")

    async def create(
        self, tenant: str | None, url: str, events: tuple[str, ...], webhook_id: str, secret: str
    ) -> Webhook:
        """Create a webhook with this id and secret; return the one that has the id, if any.

        `check` has accepted the URL. Raises `WebhookConflict` if the tenant has too many.
        """
        # The store's own time, so that no event after this one seems to be older.
        created_at = await self.store.time()
        webhook = Webhook(webhook_id, url, events, created_at, (SigningSecret(secret),))
        if await self.registry.add(tenant, webhook, MAX_WEBHOOKS):
            return webhook
        if earlier := await self.registry.find(tenant, webhook_id):
            return earlier
        raise WebhookConflict(f"There are {MAX_WEBHOOKS} webhooks already; delete one first")

    async def all(self, tenant: str | None) -> list[Webhook]:
        """Return the webhooks of the tenant, the oldest first."""
        return await self.registry.of(tenant)

    async def delete(self, tenant: str | None, webhook_id: str) -> None:
        """Remove the webhook, if there is one; its messages that wait are dropped."""
        await self.registry.remove(tenant, webhook_id)

    async def rotate(self, tenant: str | None, webhook_id: str, secret: str) -> Webhook:
        """Give the webhook this new secret, unless it has it; the old one stays valid for a day.

        Raises `WebhookNotFound`, and `WebhookConflict` if the webhook changes at the same time.
        """
        webhook = await self.find(tenant, webhook_id)
        if any(valid.value == secret for valid in webhook.secrets):
            return webhook
        rotated = with_new_secret(webhook, secret, await self.store.time())
        if not await self.registry.replace(tenant, webhook, rotated):
            raise WebhookConflict("The webhook was changed at the same time; try again")
        return rotated

    async def test(self, tenant: str | None, webhook_id: str) -> Attempt:
        """Send a test message now, once, also to a webhook that is off; return what happened.

        Raises `WebhookNotFound`.
        """
        webhook = await self.find(tenant, webhook_id)
        now = await self.store.time()
        message = test_message(webhook_id, f"test_{token_hex(8)}", now)
        result = await self.sender.send(
            webhook.url, signed_headers(webhook, message, now), message.body
        )
        attempt = attempt_of(message, 1, result, now, None)
        await self.queue.log(Recipient(webhook_id, ""), attempt)
        return attempt

    async def deliveries(
        self, tenant: str | None, webhook_id: str, after: str | None, limit: int
    ) -> tuple[list[Attempt], str | None]:
        """Return the latest attempts, oldest first, and the cursor of the next page, if any.

        Raises `WebhookNotFound`.
        """
        await self.find(tenant, webhook_id)
        found = await self.queue.attempts(webhook_id, after, limit + 1)
        page = found[:limit]
        return [attempt for _, attempt in page], page[-1][0] if len(found) > limit else None

    async def find(self, tenant: str | None, webhook_id: str) -> Webhook:
        """Return the webhook. Raises `WebhookNotFound`."""
        webhook = await self.registry.find(tenant, webhook_id)
        if webhook is None:
            raise WebhookNotFound
        return webhook


def attempt_of(
    message: WebhookMessage, number: int, result: SendResult, at: Instant, next_at: Instant | None
) -> Attempt:
    """Return the record of an attempt that began at `at`; without `next_at`, a failure is final."""
    outcome: AttemptOutcome
    reason = result.reason
    if result.is_accepted:
        outcome, reason = "delivered", None
    else:
        outcome = "dead" if next_at is None else "failed"
        reason = reason or f"the receiver answered {result.status}"
    return Attempt(
        at=at,
        message_id=message.message_id,
        event=message.event,
        attempt=number,
        outcome=outcome,
        duration_ms=result.duration_ms,
        status=result.status,
        reason=reason,
        next_at=next_at,
    )

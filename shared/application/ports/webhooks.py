"""Interfaces of webhooks: their registrations, the queue of deliveries, and the sender."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from shared.domain.units import Instant, Millis
from shared.domain.values import Value

AttemptOutcome = Literal["delivered", "failed", "dead", "dropped"]
"""Result of one attempt: accepted; failed and to be repeated; given up; or never sent, because too
much waits for the webhook."""


class SigningSecret(Value, frozen=True):
    """A secret with which deliveries are signed; until `valid_until` if it was replaced."""

    value: str
    valid_until: Instant | None = None

    def __repr__(self) -> str:
        """Return a text without the secret, so that no log contains it."""
        return "SigningSecret(...)"


class Webhook(Value, frozen=True):
    """A URL of a tenant that receives `events`, which are names such as `time.expired` or `*`.

    `secrets` are the valid ones, the newest first. A webhook that is off has an `off_reason`.
    """

    webhook_id: str
    url: str
    events: tuple[str, ...]
    created_at: Instant
    secrets: tuple[SigningSecret, ...]
    off_reason: str | None = None

    def receives(self, event: str) -> bool:
        """Return whether the webhook receives events with this name."""
        return self.off_reason is None and ("*" in self.events or event in self.events)


class WebhookMessage(Value, frozen=True):
    """One message: its id, which is the same in every attempt, its event name and its body.

    `version` is that of the session.
    """

    message_id: str
    event: str
    body: bytes
    version: int = 0


class Attempt(Value, frozen=True):
    """One attempt to deliver a message, for the list of deliveries.

    `status` is the HTTP status of the receiver, `reason` says what failed, and `next_at` is the
    instant of the next attempt.
    """

    at: Instant
    message_id: str
    event: str
    attempt: int
    outcome: AttemptOutcome
    duration_ms: Millis = Millis(0)
    status: int | None = None
    reason: str | None = None
    next_at: Instant | None = None


class SendResult(Value, frozen=True):
    """The receiver's HTTP status, or the reason why there is none."""

    duration_ms: Millis
    status: int | None = None
    reason: str | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether the receiver has accepted the message."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Recipient:
    """A webhook, and the session whose messages it gets in order, named by its store name."""

    webhook_id: str
    session_name: str


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """The messages for a recipient, claimed by one worker.

    `attempt` counts from 1, for the oldest message. `claim` identifies the claim.
    """

    recipient: Recipient
    attempt: int
    claim: int


@dataclass(frozen=True, slots=True)
class ClaimedDeliveries:
    """Claimed deliveries, and the time until the next one; None if no other one waits."""

    deliveries: tuple[ClaimedDelivery, ...]
    next_in_ms: Millis | None


class WebhookRegistry(Protocol):
    """The webhooks of each tenant. Every method raises `StoreUnavailable`."""

    async def of(self, tenant: str | None) -> list[Webhook]:
        """Return the webhooks of a tenant, the oldest first."""

    async def find(self, tenant: str | None, webhook_id: str) -> Webhook | None:
        """Return one webhook; None if there is none."""

    async def add(self, tenant: str | None, webhook: Webhook, most: int) -> bool:
        """Add the webhook unless the tenant has `most` already; return whether it was added."""

    async def replace(self, tenant: str | None, old: Webhook, new: Webhook) -> bool:
        """Replace `old` by `new` if it is still stored; return whether it was."""

    async def remove(self, tenant: str | None, webhook_id: str) -> None:
        """Remove the webhook, if there is one."""


class WebhookQueue(Protocol):
    """Messages that wait for their delivery. Every method raises `StoreUnavailable`.

    Each recipient has its own queue, and at most one of its messages is claimed at a time.
    """

    async def add(
        self, messages: Sequence[tuple[Recipient, WebhookMessage]], now: Instant
    ) -> list[tuple[Recipient, WebhookMessage]]:
        """Add messages that are due now, in order; return those for which there is no room.

        A message isn't added again within some minutes, nor one of an older version.
        """

    async def take(self, limit: int) -> ClaimedDeliveries:
        """Claim at most `limit` due recipients. A claim ends after some seconds by itself."""

    async def oldest(self, recipient: Recipient) -> WebhookMessage | None:
        """Return the oldest message of a recipient; None if nothing waits."""

    async def postpone(self, claimed: ClaimedDelivery, until: Instant) -> None:
        """Give the claim back: the message is due at `until`, and this attempt doesn't count."""

    async def record(self, claimed: ClaimedDelivery, attempt: Attempt) -> None:
        """Store the attempt's result, and end the claim.

        The message is due again at `attempt.next_at`; without one it is removed, and the next one
        of the recipient is due. Nothing is stored if the claim has ended by itself.
        """

    async def discard(self, claimed: ClaimedDelivery) -> None:
        """Remove all messages of the recipient, whose webhook doesn't exist any more."""

    async def log(self, recipient: Recipient, attempt: Attempt) -> None:
        """Store an attempt that belongs to no claim."""

    async def attempts(
        self, webhook_id: str, after: str | None, limit: int
    ) -> list[tuple[str, Attempt]]:
        """Return attempts with their cursors, the oldest first, beginning after a cursor."""


class WebhookSender(Protocol):
    """Sends requests to receivers."""

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> SendResult:
        """Send one POST request, in bounded time. Never raises because of the receiver."""

"""Webhooks of the caller's tenant (docs/webhooks.md); only a service token may manage them."""

from collections.abc import Sequence
from typing import Literal, NotRequired, TypedDict, cast
from urllib.parse import urlencode

from synckairos.api import Api, given
from synckairos.ids import path_segment

_PATH = "/v1/webhooks"


class Webhook(TypedDict):
    """A URL that receives `events`. A new one and a rotated one have their `secret`."""

    webhook_id: str
    url: str
    events: list[str]
    created_at: str
    is_on: bool
    off_reason: NotRequired[str]
    secret: NotRequired[str]


class Delivery(TypedDict):
    """One attempt to deliver a message; `status` is the receiver's, `reason` says what failed."""

    at: str
    message_id: str
    event: str
    attempt: int
    outcome: Literal["delivered", "failed", "dead", "dropped"]
    duration_ms: int
    status: NotRequired[int]
    reason: NotRequired[str]
    next_at: NotRequired[str]


class Deliveries(TypedDict):
    """A page of attempts, oldest first; `next` is the `after` of the next page."""

    deliveries: list[Delivery]
    next: str | None


class Webhooks:
    """Creates and manages webhooks. All methods raise `ApiError`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def create(self, url: str, events: Sequence[str]) -> Webhook:
        """Send these events, or `["*"]`, to `url`; the answer has the secret, for the only time."""
        body = {"url": url, "events": list(events)}
        return cast(Webhook, await self._api.change("POST", _PATH, body))

    async def list(self) -> list[Webhook]:
        """Return all webhooks, the oldest first."""
        return cast("list[Webhook]", (await self._api.get(_PATH))["webhooks"])

    async def delete(self, webhook_id: str) -> None:
        """Delete a webhook; one that doesn't exist is ignored."""
        await self._api.change("DELETE", _path(webhook_id))

    async def rotate(self, webhook_id: str) -> Webhook:
        """Make a new secret, which the answer has; the old one stays valid for 24 h."""
        return cast(Webhook, await self._api.change("POST", f"{_path(webhook_id)}/rotate"))

    async def test(self, webhook_id: str) -> Delivery:
        """Send a test event now, and return what the receiver answered."""
        return cast(Delivery, await self._api.change("POST", f"{_path(webhook_id)}/test"))

    async def deliveries(
        self, webhook_id: str, after: str | None = None, limit: int = 100
    ) -> Deliveries:
        """Return attempts, oldest first; `after` is `next` of the page before."""
        query = given(limit=limit, after=after)
        path = f"{_path(webhook_id)}/deliveries?{urlencode(query)}"
        return cast(Deliveries, await self._api.get(path))


def _path(webhook_id: str) -> str:
    return f"{_PATH}/{path_segment(webhook_id)}"

"""Notifying others of a commit: alarms, the audit worker, followers."""

from collections.abc import Sequence
from typing import Protocol

from shared.application.ports.push_message import PushMessage
from shared.domain.units import Instant
from shared.domain.values import Value


class CommitNotification(Value, frozen=True):
    """News of a commit: an alarm to set, an outbox that is no longer empty, a clock that expired.

    `pushes` are the messages for the session's subscribers, in order.
    """

    name: str
    alarm_at: Instant | None = None
    outbox_was_empty: bool = False
    pushes: Sequence[PushMessage] = ()
    has_expiry: bool = False


class Notifier(Protocol):
    """Passes news to services that can't listen to the store."""

    async def notify(self, news: CommitNotification) -> None:
        """Pass `news` on, in bounded time. Never fails, because the commit is already written."""

"""A channel: a client's subscription to a topic, with its configuration and authorization."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self
from uuid import uuid4

from infra.local.realtime.client_socket import ClientSocket
from infra.local.realtime.delivery import FaultyDelivery
from infra.local.realtime.errors import RealtimeError, token_expired
from infra.local.realtime.faults import Faults
from infra.local.realtime.messages import TOPIC_PREFIX, Broadcast, Message
from infra.local.realtime.policies import Rights
from infra.local.realtime.tokens import Identity

_ALL_RIGHTS = Rights(broadcast=True, presence=True)


@dataclass(frozen=True, slots=True)
class JoinConfig:
    """The `config` of a client's join (`phx_join`)."""

    private: bool
    acknowledges: bool
    receives_own: bool
    presence_key: str
    presence_enabled: bool

    @classmethod
    def of(cls, payload: Any) -> Self:
        """Parse a join's payload; missing fields get the real server's defaults."""
        config = _dict(payload, "config")
        broadcast, presence = _dict(config, "broadcast"), _dict(config, "presence")
        return cls(
            private=config.get("private") is True,
            acknowledges=broadcast.get("ack") is True,
            receives_own=broadcast.get("self") is True,
            presence_key=str(presence.get("key") or uuid4()),
            presence_enabled=presence.get("enabled", True) is True,
        )


@dataclass(slots=True)
class ChannelAuthorization:
    """The token that a channel was joined with, and the rights that the policies give it."""

    token: str
    identity: Identity
    may_read: Rights = _ALL_RIGHTS
    may_write: Rights | None = None
    """`None`: not evaluated yet."""


class Channel:
    """A subscription of one socket to one topic."""

    def __init__(
        self,
        socket: ClientSocket,
        join: Message,
        config: JoinConfig,
        bearer: ChannelAuthorization,
        mischief: Faults,
    ) -> None:
        self.socket = socket
        self.topic = join.topic
        self.name = join.topic.removeprefix(TOPIC_PREFIX)
        self.config = config
        self.presence_enabled = config.presence_enabled
        self.bearer = bearer
        self._join_ref = join.join_ref or join.ref
        self._delivery = FaultyDelivery(mischief, socket.put)
        self._expiry: asyncio.TimerHandle | None = None

    @property
    def key(self) -> tuple[str, bool]:
        """Name and privacy: a public and a private topic of the same name are distinct."""
        return self.name, self.config.private

    def schedule_expiry(self, close: Callable[["Channel", RealtimeError], None]) -> None:
        """Call `close` when the bearer's token expires. Replaces the timer of an earlier token."""
        self._cancel_expiry()
        left_s = self.bearer.identity.remaining_s
        expired = token_expired(0)
        self._expiry = asyncio.get_running_loop().call_later(left_s, close, self, expired)

    def deliver(self, broadcast: Broadcast) -> None:
        """Send a broadcast to the client, subject to injected faults."""
        if (frame := self.socket.encode(broadcast)) is not None:
            self._delivery.deliver(frame)

    def push(self, event: str, payload: Any, *, ref: str | None = None) -> None:
        """Send any other event to the client; faults aren't injected."""
        self.socket.send(self.topic, event, payload, ref=ref, join_ref=self._join_ref)

    def send_system(self, status: str, message: str) -> None:
        """Send a system message about the channel."""
        payload = {
            "extension": "system",
            "status": status,
            "message": message,
            "channel": self.name,
        }
        self.socket.send(self.topic, "system", payload)

    def end(self) -> None:
        """Cancel all timers."""
        self._cancel_expiry()
        self._delivery.end()

    def send_close(self) -> None:
        """Tell the client that the channel is closed."""
        self.push("phx_close", {}, ref=self._join_ref)

    def _cancel_expiry(self) -> None:
        if self._expiry:
            self._expiry.cancel()
            self._expiry = None


def _dict(value: Any, name: str) -> dict[str, Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}

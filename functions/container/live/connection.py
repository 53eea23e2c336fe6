"""The protocol of a live connection, the same for WebSockets and event streams."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from functions.container.live.presence_reports import PresenceEntry
from functions.container.live.revocation_check import RETRY_AFTER_S, REVOKED, RevocationCheck
from shared.application import push_messages
from shared.application.authorization import (
    TOKEN_REVOKED_MESSAGE,
    Authorization,
    Caller,
    Role,
)
from shared.application.errors import (
    Forbidden,
    ServiceError,
    SessionDeleted,
    SessionNotFound,
    StoreUnavailable,
    Unauthenticated,
)
from shared.application.session_service import SessionService
from shared.application.store_clock import StoreClock
from shared.auth.claims import LEEWAY_S
from shared.auth.rate_limits import RequestRateLimit
from shared.domain.session import Session
from shared.domain.units import Instant, Millis
from shared.domain.values import replace
from shared.realtime.listener import CLOSED, GAP, Listener, Push

_TOKEN_EXPIRED = Push("", "TOKEN_EXPIRED")
"""Not a message: the client's token has expired."""

TOKEN_EXPIRED_MESSAGE = "The token has expired; reconnect with a new one"

_CHECK_TOKEN_S = 60.0

_FOR_THIS_CLIENT = frozenset({"CONNECTED", "STATE_SYNC", "PONG", "ERROR", "AUTHENTICATED"})
"""Message types that are made for this client alone; all others are pushes of the session."""

_NOT_SENT_DIRECTLY = frozenset({"SESSION_DELETED", push_messages.TOKENS_REVOKED})
"""Types of messages that another step follows, or that clients don't get."""


@dataclass(slots=True)
class LiveConnection:
    """The live connection of one client to one session.

    A host may wait for a session that doesn't exist yet. If another host then creates it, the
    waiting host gets no messages about it. The connection is part of the session's presence as
    soon as the client is known to have the right to read the session.
    """

    session_id: str
    authorization: Authorization
    service: SessionService
    clock: StoreClock
    listener: Listener
    require_unrevoked: Callable[[Caller], Awaitable[None]]
    presence: PresenceEntry | None = None
    _may_read: bool | None = field(init=False)
    _valid_until: float | None = field(init=False)
    _revocation_check: RevocationCheck = field(init=False)
    _greeting: Push | None = None
    _expiry_timer: asyncio.TimerHandle | None = None
    _gap_timer: asyncio.TimerHandle | None = None
    _carry: Callable[[str], bool] | None = None

    def __post_init__(self) -> None:
        self._may_read = None if self.authorization.caller.role is Role.HOST else True
        self._valid_until = _valid_until(self.authorization.caller)
        self._schedule_expiry()
        self._revocation_check = RevocationCheck(self.require_unrevoked, self.listener)
        self._revocation_check.follow_key(self.authorization.caller)

    def send_directly_by(self, carry: Callable[[str], bool]) -> None:
        """Send messages directly by `carry` where possible; `next` returns all others.

        `carry` returns whether it has sent the message.
        """
        self._carry = carry
        self.listener.carry = self._send_now

    def end(self) -> None:
        """Stop sending, stop the timers and checks, and leave the session's presence."""
        self.listener.carry = None
        if self.presence:
            self.presence.leave()
        self._revocation_check.stop()
        for timer in (self._expiry_timer, self._gap_timer):
            if timer:
                timer.cancel()

    async def begin(self, *, with_state: bool) -> None:
        """Send `CONNECTED`, before the pushes that were queued since the subscription.

        `with_state` sends the session's state at once, or `SESSION_DELETED` if it was deleted.
        Raises `RateLimitExceeded`, `Unauthenticated` if the token is revoked, and
        `StoreUnavailable` if that can't be checked.
        """
        self._greeting = Push.of(push_messages.connected(self.session_id, self.clock.now()))
        if with_state:
            try:
                await self.send_state()
            except StoreUnavailable:
                self.listener.put(GAP)  # the state follows as soon as it can be read
            except SessionDeleted:
                await self._tell_of_deletion()
            except SessionNotFound:
                pass  # the client waits for the session to be created
        elif self._may_read is None:
            self._may_read = await self._can_read(self.authorization) or None
        elif self.authorization.caller.token:
            await self.require_unrevoked(self.authorization.caller)
        self._join_presence()

    async def send_state(self) -> None:
        """Queue the whole state. Raises a `ServiceError` if it can't be read.

        A push may arrive during the read; a second read is then at least as new. If it is older,
        the store has lost the session's data.
        """
        session, now = await self.service.read(self.authorization, self.session_id)
        if session.version < self.listener.newest_version:
            session, now = await self.service.read(self._unlimited_authorization, self.session_id)
        self._put_state(session, now)

    async def next(self) -> Push:
        """Return the next push to send, or `CLOSED`.

        Where pushes may be missing, the current state takes their place. Raises `Unauthenticated`
        when the token has expired or was revoked.
        """
        if (greeting := self._greeting) is not None:
            self._greeting = None
            return greeting
        while True:
            push = await self.listener.get()
            if push is GAP:
                await self._close_gap()
            elif push is _TOKEN_EXPIRED:
                if self._seconds_left == 0:  # otherwise the token was renewed meanwhile
                    raise Unauthenticated(TOKEN_EXPIRED_MESSAGE)
            elif push is REVOKED:
                if error := self._revocation_check.error:  # otherwise a new token came meanwhile
                    raise error
            elif push.type == push_messages.TOKENS_REVOKED:
                self._end_if_revoked_by(push)
            elif push is CLOSED or await self._may_see(push):
                return push

    def measured(self, round_trip_ms: Millis | None, error_ms: Millis | None) -> None:
        """Note the round trip and the maximum error of the client's clock, if it said them."""
        if self.presence and not (round_trip_ms is None and error_ms is None):
            self.presence.measured(round_trip_ms, error_ms)

    async def pong(self, client_timestamp: object) -> None:
        """Answer a ping with the newest version that was sent to this client or is queued for it.

        If the client doesn't have it, a message was lost.
        """
        newest = self.listener.newest_version if self._may_read else None
        now = self.clock.now()
        answer = push_messages.pong(self.session_id, now, client_timestamp, newest or None)
        await self.listener.reply(Push.of(answer))

    async def reauthenticate(self, caller: Caller) -> None:
        """Continue with the new token of `caller`; if that is revoked, the connection ends.

        Raises `Forbidden` if the caller is another.
        """
        if caller.name != self.authorization.caller.name:
            raise Forbidden("The new token must be of the same caller")
        self.authorization = replace(self.authorization, caller=caller)
        self._valid_until = _valid_until(caller)
        self._schedule_expiry()
        self._revocation_check.follow_new(caller)
        answer = push_messages.authenticated(self.clock.now(), caller.expires_at)
        await self.listener.reply(Push.of(answer))

    async def send_error(self, code: str, message: str) -> None:
        """Send an error; the connection stays open."""
        await self.listener.reply(Push.of(push_messages.error(self.clock.now(), code, message)))

    def last_message(self, error: Unauthenticated) -> Push:
        """Return the error message that ends an event stream."""
        return Push.of(push_messages.error(self.clock.now(), error.code, error.message))

    @property
    def _unlimited_authorization(self) -> Authorization:
        """The authorization without rate limits, for reads that the client didn't request."""
        return replace(self.authorization, rate_limit=RequestRateLimit())

    @property
    def _seconds_left(self) -> float | None:
        return None if self._valid_until is None else max(0.0, self._valid_until - time.time())

    def _send_now(self, push: Push) -> bool:
        """Send `push` directly if the client may see it and no further step follows it.

        Return whether it was sent.
        """
        return (
            self._carry is not None
            and push.text != ""
            and push.type not in _NOT_SENT_DIRECTLY
            and (self._may_read is True or push.type in _FOR_THIS_CLIENT)
            and self._carry(push.text)
        )

    def _schedule_expiry(self) -> None:
        """Queue `_TOKEN_EXPIRED` when the token expires.

        The timer checks at least once a minute, because the machine's clock may be adjusted.
        """
        if self._expiry_timer:
            self._expiry_timer.cancel()
            self._expiry_timer = None
        left_s = self._seconds_left
        if left_s == 0:
            self.listener.put(_TOKEN_EXPIRED)
        elif left_s is not None:
            loop = asyncio.get_running_loop()
            delay_s = min(left_s, _CHECK_TOKEN_S)
            self._expiry_timer = loop.call_later(delay_s, self._schedule_expiry)

    async def _close_gap(self) -> None:
        """Send the state in place of pushes that may be missing, as soon as it can be read."""
        try:
            session, now = await self.service.read(self._unlimited_authorization, self.session_id)
        except StoreUnavailable:
            self._retry_gap()
        except Unauthenticated:
            raise
        except SessionDeleted:
            await self._tell_of_deletion()
        except ServiceError:
            return  # the session doesn't exist for this client
        else:
            self._put_state(session, now)

    def _end_if_revoked_by(self, notice: Push) -> None:
        """Raise `Unauthenticated` if the revocation in `notice` is that of the client's token."""
        token = self.authorization.caller.token
        if token and push_messages.revocation_in(notice.text).covers(token):
            raise Unauthenticated(TOKEN_REVOKED_MESSAGE)

    def _retry_gap(self) -> None:
        """Queue `GAP` again after a while; pushes go on meanwhile."""
        if self._gap_timer:
            self._gap_timer.cancel()
        loop = asyncio.get_running_loop()
        delay_s = random.uniform(*RETRY_AFTER_S)
        self._gap_timer = loop.call_later(delay_s, self.listener.put, GAP)

    async def _tell_of_deletion(self) -> None:
        """Queue `SESSION_DELETED`, which ends the connection, if the caller could read the session.

        A deleted session has no owner in the store, so the service looks it up for a host.
        """
        if self._may_read or await self.service.could_read(self.authorization, self.session_id):
            self._may_read = True
            deleted = push_messages.session_deleted(self.session_id, self.clock.now())
            self.listener.put(Push.of(deleted))

    def _put_state(self, session: Session, now: Instant) -> None:
        self._may_read = True  # the state was read with the client's authorization
        self._join_presence()
        self.listener.put(Push.of(push_messages.state_sync(session, now)))

    def _join_presence(self) -> None:
        if self._may_read and self.presence:
            self.presence.join()

    async def _may_see(self, push: Push) -> bool:
        """Return whether this client may get `push`; asks the store until that has answered."""
        if push.type in _FOR_THIS_CLIENT:
            return True
        if self._may_read is None and push.type != "PRESENCE":
            # The push proves that the session exists; its owner never changes.
            self._may_read = await self._can_read(self._unlimited_authorization)
            self._join_presence()
        return self._may_read is True

    async def _can_read(self, authorization: Authorization) -> bool | None:
        """Return whether the session exists for the caller; None if the store is unavailable."""
        with suppress(StoreUnavailable):
            try:
                await self.service.read(authorization, self.session_id)
            except SessionNotFound:
                return False
            return True
        return None


def _valid_until(caller: Caller) -> float | None:
    """Return the end of the caller's token, s since the Unix epoch by this machine's clock.

    A token that was accepted after its expiry stays valid to the end of the leeway, as elsewhere.
    """
    if caller.expires_at is None or caller.expires_at > time.time():
        return caller.expires_at
    return caller.expires_at + LEEWAY_S

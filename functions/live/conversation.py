"""What a live connection says, whatever carries it, and for how long."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from shared.access.allowance import Allowance
from shared.access.callers import Caller, Role
from shared.access.permits import Permit
from shared.access.tokens import LEEWAY_S
from shared.clock import StoreClock
from shared.domain.session import Session
from shared.domain.units import Instant
from shared.errors import (
    Forbidden,
    ServiceError,
    SessionDeleted,
    SessionNotFound,
    StoreUnavailable,
    Unauthenticated,
)
from shared.realtime import messages
from shared.realtime.listener import CLOSED, LOST, Listener, Push
from shared.session_service import SessionService

EXPIRED = Push("", "EXPIRED")
"""Not a message: the client's token is good no more."""

TOKEN_ENDED = "The token has expired; come back with a fresh one"

_READS_AGAIN_AFTER_S = (0.3, 1.0)
"""Not all at once: every client of the instance may have missed something."""

_LOOK_AT_TOKEN_S = 60.0

_OWN = frozenset({"CONNECTED", "STATE_SYNC", "PONG", "ERROR", "AUTHENTICATED"})
"""Messages that we make for this client, which it may see; all others are of the session."""


@dataclass(slots=True)
class Conversation:
    """One client following one session.

    A host may wait for a session that is not there yet, and may turn out to be somebody else's: to
    such a host it never is there.
    """

    session_id: str
    permit: Permit
    service: SessionService
    clock: StoreClock
    listener: Listener
    _is_theirs: bool | None = field(init=False)
    _good_until: float | None = field(init=False)
    _greeting: Push | None = None
    _expiry: asyncio.TimerHandle | None = None
    _carry: Callable[[str], bool] | None = None

    def __post_init__(self) -> None:
        self._is_theirs = None if self.permit.caller.role is Role.HOST else True
        self._good_until = _good_until(self.permit.caller)
        self._watch_token()

    def send_through(self, carry: Callable[[str], bool]) -> None:
        """Send messages by `carry`, which returns whether it did, where nothing else is to be done
        first; `next` returns all others."""
        self._carry = carry
        self.listener.carry = self._send_now

    def end(self) -> None:
        """Forget the client."""
        self.listener.carry = None
        if self._expiry:
            self._expiry.cancel()

    async def begin(self, *, with_state: bool) -> None:
        """Send `CONNECTED`, before the pushes that were queued since the subscription.

        `with_state` sends the session's state at once, or `SESSION_DELETED` if it was deleted.
        Raises `RateLimitExceeded`.
        """
        self._greeting = Push.of(messages.connected(self.session_id, self.clock.now()))
        if with_state:
            try:
                await self.send_state()
            except StoreUnavailable:
                self.listener.put(LOST)  # the state follows as soon as it can be read
            except SessionDeleted:
                await self._tell_of_deletion()
            except SessionNotFound:
                pass  # a lobby waits for its session
        elif self._is_theirs is None:
            self._is_theirs = await self._is_found(self.permit) or None

    async def send_state(self) -> None:
        """Queue the whole state. Raises a `ServiceError` where there is none to be had.

        A push may have overtaken the read; the second one is at least as new. If it isn't, the
        store forgot the session that the push was of.
        """
        session, now = await self.service.read(self.permit, self.session_id)
        if session.version < self.listener.newest_version:
            session, now = await self.service.read(self._uncounted, self.session_id)
        self._put_state(session, now)

    async def next(self) -> Push:
        """The next push to send, `CLOSED` or `EXPIRED`; a gap is closed with the present state."""
        if (greeting := self._greeting) is not None:
            self._greeting = None
            return greeting
        while True:
            push = await self.listener.get()
            if push is LOST:
                await self._close_gap()
            elif push is EXPIRED:
                if self._seconds_left == 0:  # else the token was renewed meanwhile
                    return EXPIRED
            elif push is CLOSED or await self._may_see(push):
                return push

    async def pong(self, client_timestamp: object) -> None:
        """Answer a ping, with the newest version that this client was told of, or is about to be:
        one that it doesn't have went astray."""
        newest = self.listener.newest_version if self._is_theirs else None
        now = self.clock.now()
        answer = messages.pong(self.session_id, now, client_timestamp, newest or None)
        await self.listener.reply(Push.of(answer))

    async def go_on_as(self, caller: Caller) -> None:
        """Go on with the fresh token of `caller`. Raises `Forbidden` if it is of somebody else."""
        if caller.name != self.permit.caller.name:
            raise Forbidden("The new token must be of the same caller")
        self.permit.caller = caller
        self._good_until = _good_until(caller)
        self._watch_token()
        answer = messages.authenticated(self.clock.now(), caller.expires_at)
        await self.listener.reply(Push.of(answer))

    async def complain(self, code: str, message: str) -> None:
        """Say what was wrong; the connection lives on."""
        await self.listener.reply(Push.of(messages.error(self.clock.now(), code, message)))

    def farewell(self) -> Push:
        """What one is told whose token has ended."""
        return Push.of(messages.error(self.clock.now(), Unauthenticated.code, TOKEN_ENDED))

    @property
    def _uncounted(self) -> Permit:
        """The same permit for a read that the client didn't ask for."""
        return Permit(self.permit.caller, self.permit.operation, self.permit.reach, Allowance())

    @property
    def _seconds_left(self) -> float | None:
        return None if self._good_until is None else max(0.0, self._good_until - time.time())

    def _send_now(self, push: Push) -> bool:
        """Whether `push` was sent: it is of a kind after which nothing is to be done, the client
        may see it, and its connection takes it."""
        return (
            self._carry is not None
            and push.text != ""
            and push.type != "SESSION_DELETED"
            and (self._is_theirs is True or push.type in _OWN)
            and self._carry(push.text)
        )

    def _watch_token(self) -> None:
        """Queue `EXPIRED` when the token has ended. One timer looks, at least once a minute: the
        clock that tokens go by may be set anew."""
        if self._expiry:
            self._expiry.cancel()
            self._expiry = None
        left_s = self._seconds_left
        if left_s == 0:
            self.listener.put(EXPIRED)
        elif left_s is not None:
            loop = asyncio.get_running_loop()
            self._expiry = loop.call_later(min(left_s, _LOOK_AT_TOKEN_S), self._watch_token)

    async def _close_gap(self) -> None:
        """Send the state in place of pushes that may be missing, as soon as it can be read."""
        try:
            session, now = await self.service.read(self._uncounted, self.session_id)
        except StoreUnavailable:
            await asyncio.sleep(random.uniform(*_READS_AGAIN_AFTER_S))
            self.listener.put(LOST)  # behind what has come meanwhile, the end included
        except SessionDeleted:
            await self._tell_of_deletion()
        except ServiceError:
            return  # there is no such session for this client
        else:
            self._put_state(session, now)

    async def _tell_of_deletion(self) -> None:
        """Queue `SESSION_DELETED`, which ends the connection, if the caller could read the session.

        A deleted session has no owner in the store, so the service looks it up for a host.
        """
        if self._is_theirs or await self.service.could_read(self.permit, self.session_id):
            self._is_theirs = True
            deleted = messages.session_deleted(self.session_id, self.clock.now())
            self.listener.put(Push.of(deleted))

    def _put_state(self, session: Session, now: Instant) -> None:
        """Queue a state that was read for this client, whose session it therefore is."""
        self._is_theirs = True
        self.listener.put(Push.of(messages.state_sync(session, now)))

    async def _may_see(self, push: Push) -> bool:
        """Whether a push may go to this client; of the session's own, the store is asked once."""
        if push.type in _OWN:
            return True
        if self._is_theirs is None:
            # The session is there, for it speaks; and whose it is never changes.
            self._is_theirs = await self._is_found(self._uncounted)
        return self._is_theirs is True

    async def _is_found(self, permit: Permit) -> bool | None:
        """Whether there is such a session for the caller; None while nobody can say."""
        with suppress(StoreUnavailable):
            try:
                await self.service.read(permit, self.session_id)
            except SessionNotFound:
                return False
            return True
        return None


def _good_until(caller: Caller) -> float | None:
    """When the caller's token has ended, s since the Unix epoch on this machine's clock.

    One that came in its last moments of grace is good as long as any endpoint would take it.
    """
    if caller.expires_at is None or caller.expires_at > time.time():
        return caller.expires_at
    return caller.expires_at + LEEWAY_S

"""Keeps a session connected: chooses a transport, reconnects, falls back and upgrades again."""

import asyncio
import logging
from contextlib import suppress
from typing import Protocol

from synckairos.api import Api
from synckairos.api_types import Message, Subscription, TransportName, timestamp_ms
from synckairos.attempt import Attempt
from synckairos.backoff import backoff, spread
from synckairos.clock import ServerClock
from synckairos.errors import ApiError
from synckairos.fallback import create_transport, transports_to_try
from synckairos.ids import session_path
from synckairos.platform import monotonic_ms
from synckairos.timing import (
    MAX_FAILURES,
    MIN_RENEWAL_DELAY_MS,
    RENEW_AT,
    STABLE_AFTER_MS,
    UPGRADE_EVERY_MS,
)
from synckairos.transports.interface import Disconnected, Rejected, TimedOut

_MAX_TRANSPORTS = 2

_log = logging.getLogger("synckairos")


class _Absent(Disconnected):
    """The session doesn't exist."""


class ConnectionListener(Protocol):
    """Receives what a `Connector` reports."""

    def joined(self, kind: TransportName) -> None:
        """Pushes arrive from now on."""

    def left(self, kind: TransportName | None) -> None:
        """No pushes arrive; `polling`: no transport works, so poll until `joined`."""

    def heard(self, message: Message) -> None:
        """A push arrived."""

    def missing(self) -> None:
        """The session doesn't exist."""

    def refused(self, error: ApiError) -> None:
        """The caller may not follow this session; the connector has stopped."""


class Connector:
    """The connection of one session, over one transport at a time."""

    def __init__(
        self,
        session_id: str,
        api: Api,
        clock: ServerClock,
        listener: ConnectionListener,
        forced: TransportName | None,
        *,
        presence: bool = False,
    ) -> None:
        self._presence = presence
        self._id = session_id
        self._api = api
        self._clock = clock
        self._listener = listener
        self._forced = forced
        self._retry = asyncio.Event()
        self._current: Attempt | None = None
        self._short_lives = 0

    def retry(self) -> None:
        """End the current delay: the service is back, or the session exists now."""
        self._retry.set()

    async def ping(self) -> None:
        """See `Transport`."""
        if self._current:
            await self._current.transport.ping()

    async def resync(self) -> None:
        """See `Transport`."""
        if self._current:
            await self._current.transport.resync()

    def watch_presence(self) -> None:
        """Ask for the session's presence from now on; a connection that is open is replaced."""
        if not self._presence:
            self._presence = True
            self.reconnect()

    def reconnect(self) -> None:
        """Replace the connection, which no longer responds."""
        if self._current:
            self._current.ended.cancel()

    async def run(self) -> None:
        """Stay connected until cancelled, or until the caller is refused."""
        if self._forced == "polling":
            self._listener.left("polling")
            return
        attempt: Attempt | None = None
        try:
            while True:
                attempt = await self._use(attempt or await self._connect_best())
        except ApiError as error:
            self._listener.refused(error)

    async def _connect_best(self) -> Attempt | None:
        """Return the best transport that goes live, or None. Raises the `ApiError` of a refusal.

        A transport that rejects the caller twice is skipped: a proxy may answer 403 to all.
        """
        self._listener.left(None)
        position = failures = rejections = 0
        while position < _MAX_TRANSPORTS:
            try:
                return await self._connect(position, refresh=rejections > 0)
            except _Absent:
                await self._wait(spread(UPGRADE_EVERY_MS))  # ends early when a read finds it
            except Rejected as rejection:
                _log.info("Can't connect to session %s: %s", self._id, rejection)
                rejections += 1
                if rejections == MAX_FAILURES:
                    position, failures, rejections = position + 1, 0, 0
                await self._wait(backoff(rejections))
            except Disconnected as error:
                _log.info("Can't connect to session %s: %s", self._id, error)
                failures += 1
                if failures == MAX_FAILURES or isinstance(error, TimedOut):
                    position, failures = position + 1, 0
                await self._wait(max(backoff(failures), error.retry_after_ms))
        return None

    async def _connect(self, position: int, *, refresh: bool = False) -> Attempt | None:
        """Connect by the transport at `position`; return None if there is no such transport.

        Raises `Disconnected` and `Rejected`.
        """
        subscription = await self._subscribe(refresh=refresh)
        kinds = transports_to_try(subscription, self._forced)[position:]
        if not kinds:
            return None
        presence = self._presence
        created = await create_transport(
            kinds[0], subscription, self._api, self._id, self._clock, presence=presence
        )
        attempt = Attempt(created, subscription, self._listener.heard)
        try:
            await attempt.wait_live()
            if presence != self._presence:
                raise Disconnected("The connection was opened without the presence")
        except BaseException:
            await attempt.close()
            raise
        return attempt

    async def _subscribe(self, *, refresh: bool = False) -> Subscription:
        """Ask how to follow; `refresh`: with a new token.

        Raises `Disconnected`, or the `ApiError` of a refusal.
        """
        try:
            if refresh:
                await self._api.token(refresh=True)
            asked = "?presence=1" if self._presence else ""
            answer = await self._api.get_once(f"{session_path(self._id)}/realtime{asked}")
        except ApiError as error:
            if error.is_absence:
                self._listener.missing()
                raise _Absent(error.message) from error
            if error.is_refusal:
                raise
            raise Disconnected(error.message, error.retry_after_s * 1000) from error
        found: Subscription = answer.data
        return found

    async def _use(self, attempt: Attempt | None) -> Attempt | None:
        """Use `attempt` while it lasts. Return a better one as soon as one is live, or None."""
        if attempt is None:
            self._listener.left("polling")
            return await self._upgrade()
        self._current = attempt
        self._listener.joined(attempt.transport.kind)
        tasks: list[asyncio.Task[Attempt | None]] = [asyncio.create_task(self._renew(attempt))]
        if attempt.transport.kind != transports_to_try(attempt.subscription, self._forced)[0]:
            tasks.append(asyncio.create_task(self._upgrade()))
        began = monotonic_ms()
        try:
            done, _ = await asyncio.wait([attempt.ended, *tasks], return_when="FIRST_COMPLETED")
            results = [task.result() for task in tasks if task in done]
            found = next((result for result in results if result), None)
        finally:
            self._current = None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, attempt.close(), return_exceptions=True)
        if found is None:
            is_stable = monotonic_ms() - began > STABLE_AFTER_MS
            self._short_lives = 0 if is_stable else self._short_lives + 1
            self._listener.left(None)
            await self._wait(max(backoff(self._short_lives), attempt.retry_after_ms))
        return found

    async def _upgrade(self) -> Attempt | None:
        """Retry the best transport at intervals; return it once it is live."""
        while True:
            await self._wait(spread(UPGRADE_EVERY_MS))
            with suppress(Disconnected, Rejected):
                if attempt := await self._connect(0):
                    return attempt

    async def _renew(self, attempt: Attempt) -> None:
        """Renew the token before it expires, until the service recommends another transport.

        A transport that can't take a new token ends when the old one expires, and is replaced.
        """
        subscription, kind, retry_after_ms = attempt.subscription, attempt.transport.kind, 0.0
        while kind == subscription["transport"] and (ends := subscription.get("expires_at")):
            left_ms = timestamp_ms(ends) - self._clock.now()
            delay_ms = max(MIN_RENEWAL_DELAY_MS, left_ms * RENEW_AT, retry_after_ms)
            await asyncio.sleep(delay_ms / 1000)
            try:
                fresh = await self._subscribe(refresh=True)
            except Disconnected as error:
                retry_after_ms = error.retry_after_ms
                continue
            if fresh["transport"] != kind:
                return
            subscription, retry_after_ms = fresh, 0.0
            await attempt.transport.renew(subscription)
        await asyncio.get_running_loop().create_future()  # until it is cancelled

    async def _wait(self, duration: float) -> None:
        """Wait `duration` ms, or until `retry`."""
        self._retry.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(duration / 1000):
                await self._retry.wait()

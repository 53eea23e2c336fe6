"""Keeps a session connected: chooses a transport, reconnects, falls back and upgrades again."""

import asyncio
import logging
from contextlib import suppress
from typing import Protocol

from synckairos.api import Api
from synckairos.attempt import Attempt
from synckairos.backoff import backoff, spread
from synckairos.clock import ServerClock
from synckairos.errors import ApiError
from synckairos.fallback import create_transport, transports_to_try
from synckairos.states import Kind, Message, Subscription, instant_ms
from synckairos.transports.base import Down, Silent, Turned

_TRIES = 2
"""Consecutive failures after which a transport counts as unavailable."""

_MAX_TRANSPORTS = 2
_BETTER_AFTER_MS = 40_000.0
_STEADY_S, _SOONEST_S = 5.0, 1.0
_RENEWED_AT = 0.8
"""Fraction of a token's remaining lifetime after which it is renewed."""

_log = logging.getLogger("synckairos")


class _Absent(Down):
    """The session doesn't exist."""


class ConnectionListener(Protocol):
    """Receives what a `Connector` reports."""

    def joined(self, kind: Kind) -> None:
        """Pushes arrive from now on."""

    def left(self, kind: Kind | None) -> None:
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
        forced: Kind | None,
    ) -> None:
        self._id = session_id
        self._api = api
        self._clock = clock
        self._listener = listener
        self._forced = forced
        self._retry = asyncio.Event()
        self._current: Attempt | None = None
        self._drops = 0

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
                attempt = await self._stay(attempt or await self._climb())
        except ApiError as error:
            self._listener.refused(error)

    async def _climb(self) -> Attempt | None:
        """Return the best transport that goes live, or None. Raises the `ApiError` of a refusal.

        A transport that rejects the caller twice is skipped: a proxy may answer 403 to all.
        """
        self._listener.left(None)
        place = failures = turned = 0
        while place < _MAX_TRANSPORTS:
            try:
                return await self._try(place, anew=turned > 0)
            except _Absent:
                await self._wait(spread(_BETTER_AFTER_MS))  # ends early when a read finds it
            except Turned as turning:
                _log.info("Can't connect to session %s: %s", self._id, turning)
                turned += 1
                if turned == _TRIES:
                    place, failures, turned = place + 1, 0, 0
                await self._wait(backoff(turned))
            except Down as down:
                _log.info("Can't connect to session %s: %s", self._id, down)
                failures += 1
                if failures == _TRIES or isinstance(down, Silent):
                    place, failures = place + 1, 0
                await self._wait(max(backoff(failures), down.retry_after_ms))
        return None

    async def _try(self, place: int, *, anew: bool = False) -> Attempt | None:
        """Connect by the transport at `place`; None if there is none. Raises `Down`, `Turned`."""
        subscription = await self._ask(anew=anew)
        kinds = transports_to_try(subscription, self._forced)[place:]
        if not kinds:
            return None
        made = await create_transport(kinds[0], subscription, self._api, self._id)
        attempt = Attempt(made, subscription, self._listener.heard)
        try:
            await attempt.greeted()
        except BaseException:
            await attempt.close()
            raise
        return attempt

    async def _ask(self, *, anew: bool = False) -> Subscription:
        """Ask how to follow; `anew`: with a new token. Raises `Down`, or a refusal's `ApiError`."""
        try:
            if anew:
                await self._api.token(anew=True)
            answer = await self._api.get(f"/v1/sessions/{self._id}/realtime")
        except ApiError as error:
            if error.is_absence:
                self._listener.missing()
                raise _Absent(error.message) from error
            if error.is_refusal:
                raise
            raise Down(error.message, error.retry_after_s * 1000) from error
        found: Subscription = answer.data
        return found

    async def _stay(self, attempt: Attempt | None) -> Attempt | None:
        """Use `attempt` while it lasts. Return a better one as soon as one is live, or None."""
        if attempt is None:
            self._listener.left("polling")
            return await self._better()
        self._current = attempt
        self._listener.joined(attempt.transport.kind)
        helpers: list[asyncio.Task[Attempt | None]] = [asyncio.create_task(self._renew(attempt))]
        if attempt.transport.kind != transports_to_try(attempt.subscription, self._forced)[0]:
            helpers.append(asyncio.create_task(self._better()))
        began = asyncio.get_running_loop().time()
        try:
            done, _ = await asyncio.wait([attempt.ended, *helpers], return_when="FIRST_COMPLETED")
            results = [task.result() for task in helpers if task in done]
            found = next((result for result in results if result), None)
        finally:
            self._current = None
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, attempt.close(), return_exceptions=True)
        if found is None:
            is_steady = asyncio.get_running_loop().time() - began > _STEADY_S
            self._drops = 0 if is_steady else self._drops + 1
            self._listener.left(None)
            await self._wait(backoff(self._drops))
        return found

    async def _better(self) -> Attempt | None:
        """Retry the best transport at intervals; return it once it is live."""
        while True:
            await self._wait(spread(_BETTER_AFTER_MS))
            with suppress(Down, Turned):
                if attempt := await self._try(0):
                    return attempt

    async def _renew(self, attempt: Attempt) -> None:
        """Renew the token before it expires. A transport that can't take a new one is replaced.

        Returns when the service recommends another transport.
        """
        subscription, kind, rest_s = attempt.subscription, attempt.transport.kind, 0.0
        while kind == subscription["transport"] and (ends := subscription.get("expires_at")):
            left_s = (instant_ms(ends) - self._clock.now()) / 1000
            await asyncio.sleep(max(_SOONEST_S, left_s * _RENEWED_AT, rest_s))
            try:
                fresh = await self._ask(anew=True)
            except Down as down:
                rest_s = down.retry_after_ms / 1000
                continue
            if fresh["transport"] != kind:
                return
            subscription, rest_s = fresh, 0.0
            await attempt.transport.renew(subscription)
        await asyncio.get_running_loop().create_future()  # until it is cancelled

    async def _wait(self, duration: float) -> None:
        """Wait `duration` ms, or until `retry`."""
        self._retry.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(duration / 1000):
                await self._retry.wait()

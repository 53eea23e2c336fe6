"""Keeps a session supplied: chooses a transport, comes back, falls back, climbs up again."""

import asyncio
import logging
from contextlib import suppress
from typing import Protocol

from synckairos.api import Api
from synckairos.attempt import Attempt
from synckairos.backoff import backoff, spread
from synckairos.clock import ServerClock
from synckairos.errors import ApiError
from synckairos.ladder import ladder, transport
from synckairos.states import Kind, Message, Subscription, instant_ms
from synckairos.transports.base import Down, Silent, Turned

_TRIES = 2
"""So many failures in a row may be bad luck; after them there may be no such transport here."""

_LONGEST_LADDER = 2
_BETTER_AFTER_MS = 40_000.0
_STEADY_S, _SOONEST_S = 5.0, 1.0
_RENEWED_AT = 0.8
"""Of a token's life."""

_log = logging.getLogger("synckairos")


class _Absent(Down):
    """The service knows no such session."""


class Supplied(Protocol):
    """Whom a link supplies."""

    def joined(self, kind: Kind) -> None:
        """Pushes come from now on."""

    def left(self, kind: Kind | None) -> None:
        """They don't: with `polling` states must be asked for, until further notice."""

    def heard(self, message: Message) -> None:
        """A push came."""

    def missing(self) -> None:
        """The service knows no such session."""

    def refused(self, error: ApiError) -> None:
        """Nothing will come: this caller may not follow this session."""


class Link:
    """The transports of one session, one after the other."""

    def __init__(
        self, session_id: str, api: Api, clock: ServerClock, supplied: Supplied, forced: Kind | None
    ) -> None:
        self._id = session_id
        self._api = api
        self._clock = clock
        self._supplied = supplied
        self._forced = forced
        self._retry = asyncio.Event()
        self._current: Attempt | None = None
        self._drops = 0

    def retry(self) -> None:
        """Try now what was to be tried later: the service is back, or the session is there."""
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
        """The connection is dead, whatever it believes."""
        if self._current:
            self._current.ended.cancel()

    async def run(self) -> None:
        """Supply until cancelled, or until the caller is refused."""
        if self._forced == "polling":
            self._supplied.left("polling")
            return
        attempt: Attempt | None = None
        try:
            while True:
                attempt = await self._stay(attempt or await self._climb())
        except ApiError as error:
            self._supplied.refused(error)

    async def _climb(self) -> Attempt | None:
        """The best that gets live; None when nothing does. Raises the `ApiError` of a refusal.

        A transport that turns the caller away twice may be unable to do better: a proxy's 403.
        """
        self._supplied.left(None)
        place = failures = turned = 0
        while place < _LONGEST_LADDER:
            try:
                return await self._try(place, anew=turned > 0)
            except _Absent:
                await self._wait(spread(_BETTER_AFTER_MS))  # or until a read finds it
            except Turned as turning:
                _log.info("%s can't be followed: %s", self._id, turning)
                turned += 1
                if turned == _TRIES:
                    place, failures, turned = place + 1, 0, 0
                await self._wait(backoff(turned))
            except Down as down:
                _log.info("%s can't be followed: %s", self._id, down)
                failures += 1
                if failures == _TRIES or isinstance(down, Silent):
                    place, failures = place + 1, 0
                await self._wait(max(backoff(failures), down.retry_after_ms))
        return None

    async def _try(self, place: int, *, anew: bool = False) -> Attempt | None:
        """One that is live, from that place of the ladder; None below. Raises `Down`, `Turned`."""
        subscription = await self._ask(anew=anew)
        kinds = ladder(subscription, self._forced)[place:]
        if not kinds:
            return None
        made = await transport(kinds[0], subscription, self._api, self._id)
        attempt = Attempt(made, subscription, self._supplied.heard)
        try:
            await attempt.greeted()
        except BaseException:
            await attempt.close()
            raise
        return attempt

    async def _ask(self, *, anew: bool = False) -> Subscription:
        """How to follow, perhaps with a fresh token. Raises `Down`, the `ApiError` of a refusal."""
        try:
            if anew:
                await self._api.token(anew=True)
            answer = await self._api.get(f"/v1/sessions/{self._id}/realtime")
        except ApiError as error:
            if error.is_absence:
                self._supplied.missing()
                raise _Absent(error.message) from error
            if error.is_refusal:
                raise
            raise Down(error.message, error.retry_after_s * 1000) from error
        found: Subscription = answer.data
        return found

    async def _stay(self, attempt: Attempt | None) -> Attempt | None:
        """Stay with `attempt` while it lasts. Returns a better one as soon as there is any."""
        if attempt is None:
            self._supplied.left("polling")
            return await self._better()
        self._current = attempt
        self._supplied.joined(attempt.transport.kind)
        helpers: list[asyncio.Task[Attempt | None]] = [asyncio.create_task(self._renew(attempt))]
        if attempt.transport.kind != ladder(attempt.subscription, self._forced)[0]:
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
            self._supplied.left(None)
            await self._wait(backoff(self._drops))
        return found

    async def _better(self) -> Attempt | None:
        """The best there is, once it gets live."""
        while True:
            await self._wait(spread(_BETTER_AFTER_MS))
            with suppress(Down, Turned):
                if attempt := await self._try(0):
                    return attempt

    async def _renew(self, attempt: Attempt) -> None:
        """Keep its token fresh; one that can't be given another ends, and is made anew.

        Returns when the session is to be followed in another way.
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
        """Wait so many ms, or until `retry`."""
        self._retry.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(duration / 1000):
                await self._retry.wait()

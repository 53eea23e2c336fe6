"""Checks in the background whether the token or API key of a live connection is revoked."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from shared.application.authorization import Caller
from shared.application.errors import StoreUnavailable, Unauthenticated
from shared.realtime.listener import Listener, Push

REVOKED = Push("", "REVOKED")
"""A marker, not a message: a check has found that the token or API key was revoked."""

RETRY_AFTER_S = (0.3, 1.0)
"""Bounds of a random delay, because all clients of the instance may need to read again at once."""

_CHECK_KEY_S = 2.0
"""A revoked API key is noticed within 4 s: this time, and the time for which an instance relies on
its copy of a key (`FRESH_S`)."""

_log = logging.getLogger("synckairos.live")


class RevocationCheck:
    """The checks for one connection. They run beside it, so pushes never wait for the store.

    When one finds a revocation, `error` is set and `REVOKED` is queued in `listener`.
    """

    def __init__(
        self, require_unrevoked: Callable[[Caller], Awaitable[None]], listener: Listener
    ) -> None:
        self._require_unrevoked = require_unrevoked
        self._listener = listener
        self._task: asyncio.Task[None] | None = None
        self.error: Unauthenticated | None = None

    def follow_key(self, caller: Caller) -> None:
        """Check the caller's API key, if it has one, again and again."""
        if caller.key_id:
            self._start(caller, _CHECK_KEY_S)

    def follow_new(self, caller: Caller) -> None:
        """Check the new token or API key of the caller now, and a key also later."""
        self.error = None
        self.stop()
        if caller.token or caller.key_id:
            self._start(caller, 0)

    def stop(self) -> None:
        """End the checks."""
        if self._task:
            self._task.cancel()
            self._task = None

    def _start(self, caller: Caller, delay_s: float) -> None:
        self._task = asyncio.create_task(self._run(caller, delay_s))

    async def _run(self, caller: Caller, delay_s: float) -> None:
        while True:
            await asyncio.sleep(delay_s)
            delay_s = _CHECK_KEY_S
            try:
                await self._require_unrevoked(caller)
            except StoreUnavailable:
                delay_s = random.uniform(*RETRY_AFTER_S)
            except Unauthenticated as error:
                self.error = error
                self._listener.put(REVOKED)
                return
            except Exception:  # without checks, the connection would outlive a revocation
                _log.exception("a revocation can't be checked")
            else:
                if not caller.key_id:
                    return

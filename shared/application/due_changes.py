"""Apply due changes without a request, at a deadline or when an alarm goes off."""

from shared.application.commit_builder import next_wake_at
from shared.application.errors import StoreUnavailable
from shared.application.ports.commit import StoredSession
from shared.application.ports.session_store import SessionStore, Wakeup
from shared.application.session_loader import SessionLoader
from shared.application.session_time import store_time
from shared.domain.timekeeping import next_wakeup
from shared.domain.units import Instant, Millis, after, elapsed_between

_MIN_DELAY = Millis(1_000)
_MAX_DELAY = Millis(8_000)
"""Limits the delay of a due change when the store works again."""


class WakeupHandler:
    """Handles the wake-ups of sessions: deadlines in the container, alarms in Lambda functions."""

    def __init__(self, store: SessionStore, state: SessionLoader) -> None:
        self._store = store
        self._state = state

    async def handle_deadline(self, claimed: Wakeup) -> None:
        """Apply the due changes of a session, and set its next wake-up.

        Raises `StoreUnavailable`; the wake-up is then due again later.
        """
        loaded = await self._store.load(claimed.name)
        found, now = await self._state.found(loaded, claimed.name, None, include_expired=False)
        try:
            stored, now = await self._state.apply_due(found, now)
        except StoreUnavailable:
            await self._put_off(claimed, found, now)
            raise
        if stored is None:
            await self._store.release(claimed, None)
        elif stored is loaded.stored:
            await self._store.release(claimed, next_wake_at(stored.session, now))

    async def _put_off(self, claimed: Wakeup, stored: StoredSession | None, now: Instant) -> None:
        """Retry later, because the store may be out of memory.

        The delay grows from 1 to 8 s with the time for which the change has been due, so that
        changes that can't be made cost little.
        """
        due = next_wakeup(stored.session) if stored else None
        late = elapsed_between(due or now, now)
        retry_at = after(now, Millis(min(max(late, _MIN_DELAY), _MAX_DELAY)))
        if stored:
            retry_at = store_time(stored.session, retry_at)
        await self._store.release(claimed, retry_at)

    async def handle_alarm(self, alarm: Wakeup) -> Instant | None:
        """Apply the due changes of a session whose alarm has gone off.

        Return the session's next wake-up, by the store's time, if nothing was due and no later
        alarm is set.
        """
        loaded = await self._store.load(alarm.name)
        found = await self._state.found(loaded, alarm.name, None, include_expired=False)
        stored, now = await self._state.apply_due(*found)
        if stored is None or stored is not loaded.stored:
            return None
        next_at, set_for = next_wakeup(stored.session), loaded.alarm_at or alarm.at
        if next_at is None or set_for > max(store_time(stored.session, now), alarm.at):
            return None
        return store_time(stored.session, next_at)

"""Reads sessions for those followers who need whole states."""

from dataclasses import dataclass

from shared.application.errors import StoreUnavailable
from shared.application.event_loop import yield_to_event_loop
from shared.application.ports.session_store import SessionStore
from shared.application.push_messages import with_state
from shared.application.session_time import session_time
from shared.application.timeout import store_timeout
from shared.domain.session import Session
from shared.domain.timekeeping import next_wakeup
from shared.domain.units import Instant


@dataclass(frozen=True, slots=True)
class StateReader:
    """Reads the states that pushes show. It makes no change, even if one is due."""

    store: SessionStore

    async def update(self, name: str, difference: str) -> bytes | None:
        """Return the `STATE_UPDATE` of a `difference`, with the whole state.

        The state is that of its version, or a newer one. None if the session was deleted. Raises
        `StoreUnavailable`, also if the store has lost the session.
        """
        with store_timeout():
            loaded = await self.store.load(name)
            if loaded.stored is None:
                if loaded.is_deleted:
                    return None
                raise StoreUnavailable
            await yield_to_event_loop()
            session = loaded.stored.session
            return with_state(difference, session, time_shown(session, loaded.now))


def time_shown(session: Session, store_time: Instant) -> Instant:
    """Return the session's time for showing it as it was read from the store at `store_time`.

    If a wake-up is overdue, its result is pushed when it is applied. Until then the state is dated
    no later than the wake-up, because it isn't correct after that.
    """
    now = session_time(session, store_time)
    return min(now, next_wakeup(session) or now)

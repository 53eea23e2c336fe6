"""Handles one claimed wake-up, for the deadline loop and for `reconcile`."""

import logging

from shared.application.due_changes import WakeupHandler
from shared.application.errors import StoreUnavailable
from shared.application.ports.session_store import Wakeup

_log = logging.getLogger("synckairos.expire")


async def handle_claimed_wakeup(wakeups: WakeupHandler, claimed: Wakeup) -> bool:
    """Handle a wake-up; return whether it succeeded. If not, it is retried after its claim ends."""
    try:
        await wakeups.handle_deadline(claimed)
    except StoreUnavailable:
        _log.warning("no store; will retry", extra={"session_id": claimed.name})
    except Exception:
        _log.exception("wake-up failed", extra={"session_id": claimed.name})
    else:
        return True
    return False

"""One claimed wake-up, whoever claimed it."""

import logging

from shared.errors import StoreUnavailable
from shared.ports import Wakeup
from shared.session_service import SessionService

_log = logging.getLogger("synckairos.expire")


async def wake(service: SessionService, claimed: Wakeup) -> bool:
    """Do it; whether it was done. What wasn't is anyone's again when the claim ends."""
    try:
        await service.wake(claimed)
    except StoreUnavailable:
        _log.warning("no store; left for later", extra={"session_id": claimed.name})
    except Exception:
        _log.exception("wake-up failed", extra={"session_id": claimed.name})
    else:
        return True
    return False

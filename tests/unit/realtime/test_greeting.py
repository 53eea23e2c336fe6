"""The greeting of a live connection comes before everything else."""

from typing import Any

from functions.container.live.connection import LiveConnection
from shared.access.allowance import Allowance
from shared.access.callers import Caller, Role
from shared.access.permits import Permit
from shared.access.rights import Operation, Reach
from shared.clock import StoreClock
from shared.realtime.listener import Listener, Push


async def test_a_push_that_comes_before_the_greeting_is_said_after_it() -> None:
    """On a cluster a push may arrive when its change has long been answered, and a client that
    connects meanwhile is subscribed already."""
    permit = Permit(Caller(Role.SERVICE), Operation.SUBSCRIBE, Reach.ANYWHERE, Allowance())
    service: Any = None  # nothing is read
    listener = Listener()
    conversation = LiveConnection("a-session", permit, service, StoreClock(), listener)
    listener.put(Push("{}", "STATE_UPDATE", 1))
    await conversation.begin(with_state=False)
    heard = [(await conversation.next()).type for _ in range(2)]
    assert heard == ["CONNECTED", "STATE_UPDATE"]

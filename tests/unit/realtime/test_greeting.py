"""The greeting is the first message of a live connection."""

from typing import Any

from functions.container.live.connection import LiveConnection
from shared.access.allowance import Allowance
from shared.access.callers import Caller, Role
from shared.access.permits import Permit
from shared.access.rights import Operation, Reach
from shared.clock import StoreClock
from shared.realtime.listener import Listener, Push


async def test_a_push_that_comes_before_the_greeting_is_sent_after_it() -> None:
    """On a cluster, a push may arrive long after its change was answered, when a client that
    connects meanwhile is already subscribed."""
    permit = Permit(Caller(Role.SERVICE), Operation.SUBSCRIBE, Reach.ANYWHERE, Allowance())
    service: Any = None  # nothing is read
    listener = Listener()
    connection = LiveConnection("a-session", permit, service, StoreClock(), listener)
    listener.put(Push("{}", "STATE_UPDATE", 1))
    await connection.begin(with_state=False)
    received = [(await connection.next()).type for _ in range(2)]
    assert received == ["CONNECTED", "STATE_UPDATE"]

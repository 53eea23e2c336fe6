"""The greeting is the first message of a live connection."""

from typing import Any

from functions.container.live.connection import LiveConnection
from shared.application.authorization import Authorization, Caller, Operation, Role, Scope
from shared.application.store_clock import StoreClock
from shared.auth.rate_limits import RequestRateLimit
from shared.realtime.listener import Listener, Push


async def test_a_push_that_comes_before_the_greeting_is_sent_after_it() -> None:
    """On a cluster, a push may arrive long after its change was answered, when a client that
    connects meanwhile is already subscribed."""
    authorization = Authorization(
        Caller(Role.SERVICE), Operation.SUBSCRIBE, Scope.ANYWHERE, RequestRateLimit()
    )
    service: Any = None  # nothing is read
    listener = Listener()
    connection = LiveConnection(
        "a-session", authorization, service, StoreClock(), listener, service
    )
    listener.put(Push("{}", "STATE_UPDATE", 1))
    await connection.begin(with_state=False)
    received = [(await connection.next()).type for _ in range(2)]
    assert received == ["CONNECTED", "STATE_UPDATE"]

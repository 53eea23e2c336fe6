"""Joining a session's listeners, by whatever carries the pushes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import HTTPConnection

from functions.live.conversation import Conversation
from shared.access.permits import Permit


@asynccontextmanager
async def conversation(
    connection: HTTPConnection, permit: Permit, session_id: str
) -> AsyncIterator[Conversation]:
    """A conversation that hears every push from now on, to the end of the block.

    Raises `RateLimitExceeded` and `StoreUnavailable`.
    """
    permit.allowance.settle()
    state, quota = connection.app.state, permit.allowance
    one_more = state.sockets.one_more(quota.caller, is_address=quota.is_shared)
    with one_more, state.metrics.sockets.track_inprogress():
        async with state.channels.listen(permit.name_of(session_id)) as listener:
            talk = Conversation(session_id, permit, state.service, state.clock, listener)
            try:
                yield talk
            finally:
                talk.end()

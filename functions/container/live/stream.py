"""`GET /v1/sessions/{id}/stream`: live pushes as server-sent events (docs/realtime.md)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from typing import Annotated

from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from pydantic import Field
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from functions.container.live.connection import LiveConnection
from functions.container.live.measurement import ClockMeasurement
from functions.container.live.subscription import LiveConnections
from shared.application.authorization import Operation
from shared.application.errors import Unauthenticated
from shared.http.request import ApiRequest
from shared.http.routing import READ_ERRORS, RequestParameter, ResponseSpec, Routes
from shared.realtime.listener import CLOSED, Push

_KEEP_ALIVE_S = 15.0
"""A comment is sent after this time without a message, as the HTML standard recommends."""

_LAST_EVENT_ID = RequestParameter(
    "Last-Event-ID", "The last version received. The state is sent if it is newer."
)


class StreamQuery(ClockMeasurement):
    """Query of a stream. `token` is listed for the OpenAPI document; `AccessControl` reads it."""

    sync: Annotated[bool, Field(description="Begin with the current state")] = False
    differences: Annotated[
        bool,
        Field(description="Send only the changed parts of the state, where they are much smaller"),
    ] = False
    presence: Annotated[bool, Field(description="Send `PRESENCE` when connections change")] = False
    token: Annotated[
        str | None,
        Field(description="The token, for browsers, which can't send the `Authorization` header"),
    ] = None


class _Stream(EventSourceResponse):
    """An event stream that closes `held` when it ends for any reason."""

    def __init__(self, events: AsyncGenerator[bytes, None], held: AsyncExitStack) -> None:
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        super().__init__(events, headers=headers)
        self._events = events
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held, aclosing(self._events):
            await super().__call__(scope, receive, send)


def routes_of(live: LiveConnections) -> Routes:
    """Return the route of the event stream."""
    routes = Routes("live")

    @routes.get(
        "/v1/sessions/{session_id}/stream",
        ResponseSpec(200, None, "The messages", READ_ERRORS, media_type="text/event-stream"),
        requires=Operation.SUBSCRIBE,
        takes=StreamQuery,
        parameters=(_LAST_EVENT_ID,),
    )
    async def stream(request: ApiRequest, query: StreamQuery) -> Response:
        """Stream every message of a session, which need not exist yet; `id` is the version.

        If the session was deleted, a stream with `Last-Event-ID` or `sync` sends `SESSION_DELETED`
        and ends.
        """
        last_event_id = request.headers.get("last-event-id")
        async with AsyncExitStack() as held:
            connection = await held.enter_async_context(
                live.subscribe(
                    request.authorization,
                    request.session_id,
                    "sse",
                    takes_differences=query.differences,
                    with_presence=query.presence,
                )
            )
            query.note_in(connection)
            await connection.begin(with_state=query.sync or last_event_id is not None)
            known = None if query.sync else last_event_id
            return _Stream(_events(connection, known, is_empty=request.is_head), held.pop_all())

    return routes


async def _events(
    connection: LiveConnection, last_event_id: str | None, *, is_empty: bool
) -> AsyncGenerator[bytes, None]:
    """Yield the messages as events, and comments while there are none."""
    if is_empty:
        return
    pending = asyncio.ensure_future(connection.next())
    try:
        while True:
            await asyncio.wait({pending}, timeout=_KEEP_ALIVE_S)
            if not pending.done():
                yield KEEPALIVE_COMMENT
                continue
            try:
                push = pending.result()
            except Unauthenticated as error:
                yield _event(connection.last_message(error))
                return
            if push is CLOSED:
                return
            if not _is_known(push, last_event_id):
                yield _event(push)
            if push.type == "SESSION_DELETED":
                return
            pending = asyncio.ensure_future(connection.next())
    finally:
        pending.cancel()
        await asyncio.gather(pending, return_exceptions=True)


def _event(push: Push) -> bytes:
    return format_sse_event(data_str=push.text, id=_event_id(push))


def _is_known(push: Push, last_event_id: str | None) -> bool:
    return push.type == "STATE_SYNC" and _event_id(push) == last_event_id


def _event_id(push: Push) -> str | None:
    return None if push.version is None else str(push.version)

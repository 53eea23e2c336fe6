"""`GET /v1/sessions/{id}/stream`: live pushes as server-sent events (API §3)."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from functions.live.conversation import EXPIRED, Conversation
from functions.live.following import conversation
from shared.access.rights import Operation
from shared.http.calls import SessionId
from shared.http.gate import permit_of
from shared.http.guard import GuardedRoute, asks_to
from shared.http.head import asks_for_head
from shared.http.openapi import STREAM_ERRORS, errors
from shared.realtime.listener import CLOSED, Push

router = APIRouter(route_class=GuardedRoute, tags=["live"])


Sync = Annotated[bool, Query(description="Begin with the state as it stands")]
LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", description="The last version received; a newer one is sent"),
]
Token = Annotated[
    str | None, Query(alias="token", description="In place of the header, for a browser")
]


async def conversation_on(
    request: Request,
    session_id: SessionId,
    sync: Sync = False,
    last_event_id: LastEventId = None,
    _: Token = None,
) -> AsyncIterator[Conversation]:
    """A conversation that has begun, for as long as the response lasts."""
    async with conversation(request, permit_of(request), session_id) as talk:
        await talk.begin(with_state=sync or last_event_id is not None)
        yield talk


@router.get(
    "/v1/sessions/{session_id}/stream",
    response_class=EventSourceResponse,
    responses=errors(*STREAM_ERRORS),
)
@asks_to(Operation.SUBSCRIBE)
async def stream(
    request: Request,
    talk: Annotated[Conversation, Depends(conversation_on)],
    sync: Sync = False,
    last_event_id: LastEventId = None,
) -> AsyncIterator[ServerSentEvent]:
    """Every message of a session, which need not exist yet; `id` is the version.

    A stream with `Last-Event-ID` or `sync` of a session that was deleted begins, and ends, with
    `SESSION_DELETED`.
    """
    if asks_for_head(request):
        return
    while (push := await talk.next()) is not CLOSED:
        if push is EXPIRED:
            yield ServerSentEvent(raw_data=talk.farewell().text)
            return
        if sync or not _is_known(push, last_event_id):
            yield ServerSentEvent(raw_data=push.text, id=_event_id(push))
        if push.type == "SESSION_DELETED":
            return


def _is_known(push: Push, last_event_id: str | None) -> bool:
    return push.type == "STATE_SYNC" and _event_id(push) == last_event_id


def _event_id(push: Push) -> str | None:
    return None if push.version is None else str(push.version)

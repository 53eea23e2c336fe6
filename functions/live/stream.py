"""`GET /v1/sessions/{id}/stream`: live pushes as server-sent events (API §3)."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from functions.live.conversation import Conversation
from shared.http.calls import Caller, Service, SessionId
from shared.realtime.redis import CLOSED
from shared.store.keys import push_channel

router = APIRouter(tags=["live"])


@router.get("/v1/sessions/{session_id}/stream", response_class=EventSourceResponse)
async def stream(
    request: Request,
    session_id: SessionId,
    service: Service,
    caller: Caller,
    sync: Annotated[bool, Query(description="Begin with the state as it stands")] = False,
    last_event_id: Annotated[
        str | None, Header(description="The last version received; a newer one comes at once")
    ] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Every message of a session, which need not exist yet; `id` is the version."""
    state = request.app.state
    async with state.channels.listen(push_channel(session_id)) as listener:
        talk = Conversation(session_id, service, state.clock, listener)
        talk.greet()
        if sync or last_event_id is not None:
            await talk.send_state()
        seen = int(last_event_id) if last_event_id and last_event_id.isdecimal() else 0
        with state.metrics.sockets.track_inprogress():
            while (push := await talk.next()) is not CLOSED:
                if push.type == "STATE_SYNC" and push.version == seen and not sync:
                    continue
                version = None if push.version is None else str(push.version)
                yield ServerSentEvent(raw_data=push.text, id=version)
                if push.type == "SESSION_DELETED":
                    return

"""`GET /v1/sessions`: the caller's sessions, newest first."""

import msgspec
from starlette.responses import Response

from shared.application.authorization import Operation
from shared.application.ports.listed_sessions import ListedSession
from shared.application.session_view import timestamp
from shared.http.list_queries import ListQuery, encode_cursor
from shared.http.rendering import json_response
from shared.http.request import ApiRequest
from shared.http.routing import LIST_ERRORS, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

_MOST_BYTES = 256 * 1024
"""Of a page's sessions. A page that would have more ends earlier."""

routes = Routes("sessions")


@routes.get(
    "/v1/sessions",
    ResponseSpec(200, "SessionListAnswer", "A page of the list", LIST_ERRORS),
    requires=Operation.LIST,
    takes=ListQuery,
)
async def list_sessions(request: ApiRequest, query: ListQuery) -> Response:
    """List the sessions of a host, or those of a service's tenant, in short form, newest first.

    `next` is the `after` of the next page, or null at the end. A page may have fewer sessions than
    `limit`, or none, although more follow: each examines at most 500 sessions. The entries show
    each session as of its last change.
    """
    page = await request.components.sessions.page(
        request.authorization, query.wanted, query.span, owner=query.owner
    )
    shown: list[msgspec.Raw] = []
    following, size = page.following, 0
    for session in page.sessions:
        entry = _entry(session)
        size += len(bytes(entry))
        if shown and size > _MOST_BYTES:
            following = page.sessions[len(shown) - 1].position
            break
        shown.append(entry)
    cursor = encode_cursor(following) if following else None
    return json_response({"sessions": shown, "next": cursor})


def _entry(session: ListedSession) -> msgspec.Raw:
    entry = {
        "session_id": session.session_id,
        "status": session.status,
        "sync_mode": session.sync_mode,
        "version": session.version,
        "participant_count": session.participant_count,
        "metadata": session.metadata,
        "owner": session.owner,
        "created_at": timestamp(session.created_at),
        "updated_at": timestamp(session.updated_at),
    }
    return msgspec.Raw(msgspec.json.encode(entry))


handler = make_http_function(routes)

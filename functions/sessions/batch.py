"""`POST /v1/sessions/batch`: read up to 50 sessions at once."""

from collections import deque
from collections.abc import AsyncIterator, Sequence

import msgspec
from starlette.responses import Response, StreamingResponse

from shared.application.authorization import Operation
from shared.application.event_loop import LARGE_SESSION, yield_to_event_loop
from shared.application.session_view import encode_session_view
from shared.domain.session import Session
from shared.domain.units import Instant
from shared.http.conditional_changes import remember_for_caller
from shared.http.rendering import json_response, replay_headers
from shared.http.request import ApiRequest
from shared.http.request_bodies import BatchBody
from shared.http.routing import BATCH_ERRORS, IDEMPOTENCY_KEY, ResponseSpec, Routes
from shared.serverless.http_function import make_http_function

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/batch",
    ResponseSpec(200, "BatchAnswer", "The sessions found, and the ids of all others", BATCH_ERRORS),
    requires=Operation.READ,
    takes=BatchBody,
    parameters=(IDEMPOTENCY_KEY,),
)
async def read_batch(request: ApiRequest, body: BatchBody) -> Response:
    """Read several sessions at once, each in the form of a single read.

    A retry with the same `Idempotency-Key` gets the first answer again unless one of the sessions
    has changed meanwhile; then all are read again.
    """
    wanted = list(dict.fromkeys(body.session_ids))
    sessions = await request.components.service.read_many(request.authorization, wanted)
    read_at = [one and one[1] for one in sessions]
    versions = [one and one[0].version for one in sessions]
    facts = {"read_at": read_at, "versions": versions}
    first, is_replayed = await remember_for_caller(request, facts)
    is_replayed = is_replayed and first["versions"] == versions
    if is_replayed:
        read_at = first["read_at"]
    missing = [name for name, one in zip(wanted, sessions, strict=True) if one is None]
    found = [(one[0], at) for one, at in zip(sessions, read_at, strict=True) if one and at]
    headers = replay_headers(is_replayed)
    if sum(len(session.participants) for session, _ in found) > LARGE_SESSION:
        pieces = _pieces(deque(found), missing)
        return StreamingResponse(pieces, headers=headers, media_type="application/json")
    views = [encode_session_view(session, at) for session, at in found]
    return json_response({"sessions": views, "not_found": missing}, headers)


async def _pieces(
    found: deque[tuple[Session, Instant]], missing: Sequence[str]
) -> AsyncIterator[bytes]:
    """Yield the same answer in pieces; each session is rendered after the one before was sent.

    Each is taken out of `found`, so that it is freed in its own slice and not all in the last one.
    """
    yield b'{"data":{"sessions":['
    separator = b""
    while found:
        await yield_to_event_loop()
        session, at = found.popleft()
        yield separator + bytes(encode_session_view(session, at))
        separator = b","
    yield b'],"not_found":%b}}' % msgspec.json.encode(missing)


handler = make_http_function(routes)

"""`POST /v1/sessions/batch`: read up to 50 sessions at once."""

from collections.abc import AsyncIterator, Sequence

import msgspec
from starlette.responses import Response, StreamingResponse

from shared.access.rights import Operation
from shared.domain.session import Session
from shared.domain.units import Instant
from shared.http.answers import json_response, replay_headers
from shared.http.bodies import BatchBody
from shared.http.call import Call
from shared.http.changes import first_try
from shared.http.routing import BATCH_ERRORS, IDEMPOTENCY_KEY, Answers, Routes
from shared.representation import encoded_view
from shared.serverless.http_function import function_of
from shared.slices import LARGE_SESSION, next_slice

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/batch",
    Answers(200, "BatchAnswer", "The sessions found, and the ids of all others", BATCH_ERRORS),
    requires=Operation.READ,
    takes=BatchBody,
    headers=(IDEMPOTENCY_KEY,),
)
async def read_batch(call: Call, body: BatchBody) -> Response:
    """Read several sessions at once, each in the form of a single read.

    A retry with the same `Idempotency-Key` gets the first answer again unless one of the sessions
    has changed meanwhile; then all are read again.
    """
    wanted = list(dict.fromkeys(body.session_ids))
    sessions = await call.parts.service.read_many(call.permit, wanted)
    read_at = [one and one[1] for one in sessions]
    versions = [one and one[0].version for one in sessions]
    facts = {"read_at": read_at, "versions": versions}
    first, is_replayed = await first_try(call, call.permit.caller.name, facts)
    is_replayed = is_replayed and first["versions"] == versions
    if is_replayed:
        read_at = first["read_at"]
    missing = [name for name, one in zip(wanted, sessions, strict=True) if one is None]
    found = [(one[0], at) for one, at in zip(sessions, read_at, strict=True) if one and at]
    headers = replay_headers(is_replayed)
    if sum(len(session.participants) for session, _ in found) > LARGE_SESSION:
        pieces = _pieces(found, missing)
        return StreamingResponse(pieces, headers=headers, media_type="application/json")
    views = [encoded_view(session, at) for session, at in found]
    return json_response({"sessions": views, "not_found": missing}, headers)


async def _pieces(
    found: Sequence[tuple[Session, Instant]], missing: Sequence[str]
) -> AsyncIterator[bytes]:
    """Yield the same answer in pieces; each session is rendered after the one before was sent."""
    yield b'{"data":{"sessions":['
    for place, (session, at) in enumerate(found):
        await next_slice()
        view = bytes(encoded_view(session, at))
        yield view if place == 0 else b"," + view
    yield b'],"not_found":%b}}' % msgspec.json.encode(missing)


handler = function_of(routes)

"""`POST /v1/sessions/batch`: read up to 50 sessions at once."""

import msgspec
from fastapi import APIRouter, Request, Response

from shared.access.rights import Operation
from shared.domain.session import Session
from shared.domain.units import Instant
from shared.http.answers import json_response
from shared.http.bodies import BatchBody
from shared.http.calls import Call
from shared.http.guard import GuardedJsonRoute, asks_to
from shared.http.openapi import BATCH_ERRORS, answers
from shared.representation import session_view
from shared.serverless.http_function import function_of
from shared.slices import LARGE_SESSION, next_slice

router = APIRouter(route_class=GuardedJsonRoute, tags=["sessions"])


@router.post(
    "/v1/sessions/batch",
    responses=answers(200, "BatchAnswer", "Those that were found", BATCH_ERRORS),
)
@asks_to(Operation.READ)
async def read_batch(body: BatchBody, request: Request) -> Response:
    """Several sessions in one answer, each as a read of it would show it."""
    wanted = list(dict.fromkeys(body.session_ids))
    now, sessions = await Call(request).sessions(wanted)
    found = [await _shown(session, now) for session in sessions if session]
    missing = [name for name, session in zip(wanted, sessions, strict=True) if session is None]
    return json_response({"sessions": found, "not_found": missing})


async def _shown(session: Session, now: Instant) -> msgspec.Raw:
    """The session as JSON; one that takes ms to render gets a slice of its own."""
    if len(session.participants) > LARGE_SESSION:
        await next_slice()
    return msgspec.Raw(msgspec.json.encode(session_view(session, now)))


handler = function_of(router)

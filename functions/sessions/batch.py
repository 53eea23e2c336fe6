"""`POST /v1/sessions/batch`: read up to 50 sessions at once."""

from fastapi import APIRouter, Response

from shared.access.rights import Operation
from shared.domain.units import Instant
from shared.http.answers import json_response, replay_headers
from shared.http.bodies import BatchBody
from shared.http.calls import KeyedCall
from shared.http.guard import GuardedJsonRoute, asks_to
from shared.http.openapi import BATCH_ERRORS, answers
from shared.representation import session_view
from shared.serverless.http_function import function_of

router = APIRouter(route_class=GuardedJsonRoute, tags=["sessions"])


@router.post(
    "/v1/sessions/batch",
    responses=answers(200, "BatchAnswer", "Those that were found", BATCH_ERRORS),
)
@asks_to(Operation.READ)
async def read_batch(body: BatchBody, call: KeyedCall) -> Response:
    """Several sessions in one answer, each as a read of it would show it.

    A retry with the same `Idempotency-Key` gets the first answer again as long as none of the
    sessions has changed; after that it reads them anew.
    """
    wanted = list(dict.fromkeys(body.session_ids))
    now, sessions = await call.sessions(wanted)
    versions = [session and session.version for session in sessions]
    first, is_replayed = await call.first_try(
        call.permit.caller.name, {"now": now, "versions": versions}
    )
    is_replayed = is_replayed and first["versions"] == versions
    if is_replayed:
        now = Instant(first["now"])
    found = [session_view(session, now) for session in sessions if session]
    missing = [name for name, session in zip(wanted, sessions, strict=True) if session is None]
    shown = {"sessions": found, "not_found": missing}
    return json_response(shown, replay_headers(is_replayed))


handler = function_of(router)

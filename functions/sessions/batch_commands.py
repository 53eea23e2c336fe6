"""`POST /v1/sessions/batch-commands`: one command for up to 50 sessions."""

from starlette.responses import Response

from shared.application.authorization import Operation
from shared.domain.errors import RuleViolation, Violation
from shared.http.batch_changes import change_many
from shared.http.conditional_changes import remember_for_caller
from shared.http.rendering import dry_run_headers, json_response, replay_headers
from shared.http.request import ApiRequest
from shared.http.request_bodies import MAX_BATCH
from shared.http.routing import BATCH_ERRORS, DRY_RUN, IDEMPOTENCY_KEY, ResponseSpec, Routes
from shared.http.scheduling_bodies import BatchCommandBody
from shared.serverless.http_function import make_http_function

routes = Routes("sessions")


@routes.post(
    "/v1/sessions/batch-commands",
    ResponseSpec(200, "BatchCommandsAnswer", "What became of each session", BATCH_ERRORS),
    requires=Operation.COMMAND_MANY,
    takes=BatchCommandBody,
    parameters=(IDEMPOTENCY_KEY, DRY_RUN),
)
async def command_many(request: ApiRequest, body: BatchCommandBody) -> Response:
    """Give one command to several sessions, with `effective_at` for the same instant.

    Each session's entry says when the command takes effect, or why it was refused there. A batch
    counts as one request for each session, and one more with `metadata`.
    """
    wanted = await _wanted(request, body)
    if not wanted:
        return json_response({"sessions": []}, dry_run_headers(request.is_dry_run))
    done = await change_many(request, wanted, body.requires, body.command())
    headers = replay_headers(done.is_replayed) | dry_run_headers(request.is_dry_run)
    return json_response({"sessions": done.entries}, headers)


async def _wanted(request: ApiRequest, body: BatchCommandBody) -> list[str]:
    """Return the sessions that the request names or selects, each once.

    A retry is for the sessions that the first attempt selected, because they may have ended since.
    """
    if body.session_ids is not None:
        return list(dict.fromkeys(body.session_ids))
    selected = await request.components.sessions.live(request.authorization, body.wanted)
    if len(selected) > MAX_BATCH:
        message = f"selects {len(selected)} live sessions, but a batch has at most {MAX_BATCH}"
        raise RuleViolation(Violation("metadata", message, "too_large"))
    facts, _ = await remember_for_caller(request, {"session_ids": selected})
    return list(facts["session_ids"])


handler = make_http_function(routes)

"""Applies one command to many sessions, each as a change of its own."""

import asyncio
from collections.abc import Sequence
from typing import Any

from shared.application.authorization import Operation, authorize
from shared.application.errors import RateLimitExceeded, ServiceError, StoreUnavailable
from shared.application.event_loop import yield_to_event_loop
from shared.application.session_service import Outcome
from shared.application.session_view import scheduled_view, timestamp
from shared.domain.commands import Command, Schedule
from shared.domain.errors import Refusal
from shared.domain.session import Session
from shared.domain.units import elapsed_between
from shared.domain.values import Value
from shared.http.conditional_changes import change_context
from shared.http.error_responses import error_fields
from shared.http.request import ApiRequest

_AT_ONCE = 25
"""Changes under way at the same time, so that a batch takes at most twice the time limit of one."""

_TEMPORARY = (StoreUnavailable, RateLimitExceeded)


class BatchOutcome(Value, frozen=True):
    """What became of a batch: one entry for each session, in the order of the request.

    `is_replayed` if each entry is that of an earlier request with the same idempotency key.
    """

    entries: list[dict[str, Any]]
    is_replayed: bool


async def change_many(
    request: ApiRequest, session_ids: Sequence[str], requires: Operation, command: Command
) -> BatchOutcome:
    """Apply `command` to each of the sessions. An error of one session concerns no other.

    Each counts as a request against the caller's rate limit, and has a record of its own under the
    request's `Idempotency-Key`: a retry makes only the changes that are missing. Raises
    `StoreUnavailable` or `RateLimitExceeded` if no session could be asked.
    """
    limit = asyncio.Semaphore(_AT_ONCE)

    async def change(session_id: str) -> Outcome | ServiceError | Refusal:
        async with limit:
            await yield_to_event_loop()
            try:
                return await _change(request, session_id, requires, command)
            except (ServiceError, Refusal) as error:
                return error

    outcomes = await asyncio.gather(*map(change, session_ids))
    first = outcomes[0]
    if isinstance(first, _TEMPORARY) and all(isinstance(one, _TEMPORARY) for one in outcomes):
        raise first
    return BatchOutcome(
        [_entry(name, one, command) for name, one in zip(session_ids, outcomes, strict=True)],
        is_replayed=all(isinstance(one, Outcome) and one.replayed for one in outcomes),
    )


async def _change(
    request: ApiRequest, session_id: str, requires: Operation, command: Command
) -> Outcome:
    own = request.authorization
    authorization = authorize(own.caller, requires, session_id, own.rate_limit)
    context = await change_context(request, authorization.store_name(session_id))
    service = request.components.service
    return await service.change(authorization, session_id, command, context)


def _entry(
    session_id: str, outcome: Outcome | ServiceError | Refusal, command: Command
) -> dict[str, Any]:
    if not isinstance(outcome, Outcome):
        return {"session_id": session_id, "error": error_fields(outcome)}
    assert outcome.result is not None  # no command of a batch deletes the session
    return _accepted(outcome.result.session, command)


def _accepted(session: Session, command: Command) -> dict[str, Any]:
    """Return the entry of a session that has accepted the command."""
    scheduled, at = session.scheduled, session.updated_at
    is_ahead = scheduled is not None and scheduled.version == session.version
    entry: dict[str, Any] = {
        "session_id": session.session_id,
        "status": session.status,
        "version": session.version,
        "effective_at": timestamp(scheduled.effective_at if scheduled and is_ahead else at),
    }
    if isinstance(command, Schedule) and (late_ms := elapsed_between(command.effective_at, at)):
        entry["late_ms"] = late_ms
    return entry if scheduled is None else {**entry, "scheduled": scheduled_view(session)}

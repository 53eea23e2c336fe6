"""Parameters and rows of the database's function `list_sessions`."""

from collections.abc import Mapping
from typing import Any

from shared.application.ports.audit_log import ExaminedSession
from shared.application.ports.listed_sessions import (
    ListedSession,
    ListPosition,
    ListScope,
    ListSpan,
    SessionFilter,
)
from shared.domain.session import Status, SyncMode
from shared.domain.units import Instant


def list_parameters(scope: ListScope, wanted: SessionFilter, span: ListSpan) -> dict[str, Any]:
    """Return the arguments by name, in the order of the function's parameters."""
    conditions: dict[str, Any] = {}
    if wanted.status:
        conditions["status"] = wanted.status.value
    if wanted.sync_mode:
        conditions["sync_mode"] = wanted.sync_mode.value
    if wanted.metadata:
        conditions["metadata"] = {key: list(values) for key, values in wanted.metadata.items()}
    return {
        "of_tenant": scope.tenant or "",
        "of_owner": scope.owner,
        "before_ms": span.before.created_at if span.before else None,
        "before_id": span.before.session_id if span.before else None,
        "since_ms": span.since,
        "conditions": conditions,
        "at_most": span.limit,
    }


def examined(row: Mapping[str, Any]) -> ExaminedSession:
    """Return the session in a row; its metadata must have been parsed."""
    position = ListPosition(Instant(row["created_at_ms"]), str(row["session_id"]))
    if not row["matches"]:
        return ExaminedSession(position, None)
    listed = ListedSession(
        session_id=position.session_id,
        status=Status(row["status"]),
        sync_mode=SyncMode(row["sync_mode"]),
        created_at=position.created_at,
        updated_at=Instant(row["updated_at_ms"]),
        version=row["version"],
        participant_count=row["participant_count"],
        metadata=row["metadata"],
        owner=row["owner"],
    )
    return ExaminedSession(position, listed)

"""The query of a list of sessions, and the opaque cursor of its pages."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from shared.application.ports.listed_sessions import ListPosition, ListSpan, SessionFilter
from shared.domain.session import Status, SyncMode
from shared.domain.units import Instant
from shared.http.fields import Timestamp
from shared.http.metadata_conditions import QueryConditions, meanings

_PREFIX = "metadata."
_INSTANT_BYTES = 6
_CURSOR = "[A-Za-z0-9_-]{30}"
"""Base64 of 22 bytes, without padding: the instant in ms and the session's id."""


def encode_cursor(position: ListPosition) -> str:
    """Return the cursor of the page behind `position`."""
    instant = position.created_at.to_bytes(_INSTANT_BYTES)
    return urlsafe_b64encode(instant + UUID(position.session_id).bytes).decode().rstrip("=")


def decode_cursor(cursor: str) -> ListPosition:
    """Return the position that `encode_cursor` was given."""
    raw = urlsafe_b64decode(f"{cursor}==")
    instant = Instant(int.from_bytes(raw[:_INSTANT_BYTES]))
    return ListPosition(instant, str(UUID(bytes=raw[_INSTANT_BYTES:])))


def _check_cursor(value: str) -> str:
    if not re.fullmatch(_CURSOR, value):
        raise PydanticCustomError("cursor", "must be the `next` of an earlier page")
    return value


Cursor = Annotated[
    str,
    AfterValidator(_check_cursor),
    WithJsonSchema({"type": "string", "pattern": f"^{_CURSOR}$"}),
]


TimestampOrMs = Annotated[
    Timestamp,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "integer", "minimum": 0, "maximum": 253_402_300_799_999},
            ]
        }
    ),
]


class ListQuery(BaseModel):
    """Which sessions to list."""

    status: Annotated[Status | None, Field(description="Only sessions with this status")] = None
    mode: Annotated[SyncMode | None, Field(description="Only sessions with this mode")] = None
    owner: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=255,
            pattern=r"^[\x21-\x7e]+$",
            description="Only sessions of this host",
        ),
    ] = None
    created_after: Annotated[
        TimestampOrMs | None, Field(description="Only sessions created after this instant")
    ] = None
    metadata: QueryConditions = {}
    limit: Annotated[int, Field(ge=1, le=100, description="Maximum number of sessions")] = 50
    after: Annotated[Cursor | None, Field(description="The `next` of the page before")] = None

    @model_validator(mode="before")
    @classmethod
    def _collect_conditions(cls, values: Any) -> Any:
        """Gather the parameters that begin with `metadata.`"""
        if not isinstance(values, Mapping):
            return values
        rest = {name: one for name, one in values.items() if not name.startswith(_PREFIX)}
        conditions = {
            name.removeprefix(_PREFIX): one
            for name, one in values.items()
            if name.startswith(_PREFIX)
        }
        return {**rest, "metadata": conditions} if conditions else rest

    @property
    def wanted(self) -> SessionFilter:
        """The conditions that sessions must meet."""
        conditions = {key: meanings(text) for key, text in self.metadata.items()}
        return SessionFilter(self.status, self.mode, conditions)

    @property
    def span(self) -> ListSpan:
        """The part of the list that the page shows."""
        before = None if self.after is None else decode_cursor(self.after)
        since = None if self.created_after is None else Instant(self.created_after + 1)
        return ListSpan(self.limit, before, since)

"""Bodies of commands that may be given ahead of time, for one session and for many."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from shared.application.authorization import Operation
from shared.application.ports.listed_sessions import SessionFilter
from shared.domain.commands import (
    Cancel,
    Command,
    Complete,
    Pause,
    Resume,
    SchedulableCommand,
    Start,
    Unschedule,
    at_instant,
)
from shared.domain.units import Instant
from shared.http.fields import EffectiveInstant, SmallObject, Uuid
from shared.http.metadata_conditions import Conditions
from shared.http.request_bodies import MAX_BATCH, AdjustClocksBody, Body


class AheadBody(Body):
    """Optionally the instant at which the command takes effect; without it, it does so now."""

    effective_at: EffectiveInstant | None = None


class CompleteBody(AheadBody):
    """Optionally the session's new metadata, for example with the result.

    It is for a completion that takes effect now.
    """

    metadata: SmallObject | None = None

    @field_validator("metadata")
    @classmethod
    def _check_metadata(
        cls, value: dict[str, Any] | None, info: ValidationInfo
    ) -> dict[str, Any] | None:
        if value is not None and info.data.get("effective_at") is not None:
            raise PydanticCustomError("not_allowed", "cannot be combined with effective_at")
        return value

    def command(self) -> Command:
        """Return the completion, to take effect at its instant."""
        return at_instant(Complete(self.metadata), self.effective_at)


class AdjustAheadBody(AheadBody, AdjustClocksBody):
    """An adjustment, and optionally the instant at which it takes effect."""

    def ahead(self) -> Command:
        """Return the adjustment, to take effect at its instant."""
        return at_instant(self.command(), self.effective_at)


_AHEAD: Mapping[str, SchedulableCommand] = {
    "start": Start(),
    "pause": Pause(),
    "resume": Resume(),
    "complete": Complete(),
}
_AT_ONCE: Mapping[str, Command] = {"cancel": Cancel(), "unschedule": Unschedule()}


_NULL = {"type": "null"}
_ADJUSTMENT: dict[str, Any] = {
    "properties": {"operation": {"const": "adjust"}, "adjust": {"type": "object"}},
    "required": ["adjust"],
}
_SCHEDULABLE: dict[str, Any] = {
    "properties": {"operation": {"enum": [*_AHEAD]}, "adjust": _NULL},
}
_IMMEDIATE: dict[str, Any] = {
    "properties": {"operation": {"enum": [*_AT_ONCE]}, "adjust": _NULL, "effective_at": _NULL},
}


_NAMED: dict[str, Any] = {
    "properties": {"session_ids": {"type": "array"}, "metadata": _NULL},
    "required": ["session_ids"],
}
_SELECTED: dict[str, Any] = {
    "properties": {"session_ids": _NULL, "metadata": {"type": "object"}},
    "required": ["metadata"],
}
_INVALID = object()


class BatchCommandBody(Body):
    """A command for up to 50 sessions, and optionally the instant at which it takes effect.

    `session_ids` names the sessions, or `metadata` selects the caller's live ones that have all of
    its values. `adjust` has the fields of an adjustment, and is required for that operation only.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [_ADJUSTMENT, _SCHEDULABLE, _IMMEDIATE],
            "anyOf": [_NAMED, _SELECTED],
        }
    )

    operation: Literal["start", "pause", "resume", "complete", "adjust", "cancel", "unschedule"]
    metadata: Conditions | None = None
    session_ids: Annotated[
        list[Uuid] | None, Field(min_length=1, max_length=MAX_BATCH, validate_default=True)
    ] = None
    effective_at: EffectiveInstant | None = None
    adjust: Annotated[AdjustClocksBody | None, Field(validate_default=True)] = None

    @field_validator("session_ids")
    @classmethod
    def _check_session_ids(cls, value: list[str] | None, info: ValidationInfo) -> list[str] | None:
        is_selecting = info.data.get("metadata", _INVALID) is not None
        if value is None and not is_selecting:
            raise PydanticCustomError("missing", "is required")
        if value is not None and is_selecting:
            raise PydanticCustomError("not_allowed", "cannot be combined with metadata")
        return value

    @field_validator("effective_at")
    @classmethod
    def _check_effective_at(cls, value: Instant | None, info: ValidationInfo) -> Instant | None:
        if value is not None and info.data.get("operation") in _AT_ONCE:
            raise PydanticCustomError("not_allowed", "is not for cancel and unschedule")
        return value

    @field_validator("adjust")
    @classmethod
    def _check_adjust(
        cls, value: AdjustClocksBody | None, info: ValidationInfo
    ) -> AdjustClocksBody | None:
        operation = info.data.get("operation")
        if operation == "adjust" and value is None:
            raise PydanticCustomError("missing", "is required")
        if operation not in ("adjust", None) and value is not None:
            raise PydanticCustomError("not_allowed", "is for the operation adjust only")
        return value

    def command(self) -> Command:
        """Return the command for each of the sessions."""
        if at_once := _AT_ONCE.get(self.operation):
            return at_once
        command = self.adjust.command() if self.adjust else _AHEAD[self.operation]
        return at_instant(command, self.effective_at)

    @property
    def wanted(self) -> SessionFilter:
        """The conditions that live sessions must meet, if `session_ids` is absent."""
        return SessionFilter(metadata={key: (one,) for key, one in (self.metadata or {}).items()})

    @property
    def requires(self) -> Operation:
        """The right that the command needs in each of the sessions."""
        return Operation.ADJUST_CLOCKS if self.adjust else Operation(self.operation)

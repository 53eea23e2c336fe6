"""Bodies of commands that may be given ahead of time, for one session and for many."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from shared.application.authorization import Operation
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
from shared.http.fields import EffectiveInstant, Uuid
from shared.http.request_bodies import MAX_BATCH, AdjustClocksBody, Body


class AheadBody(Body):
    """Optionally the instant at which the command takes effect; without it, it does so now."""

    effective_at: EffectiveInstant | None = None


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


class BatchCommandBody(Body):
    """A command for up to 50 sessions, and optionally the instant at which it takes effect.

    `adjust` has the fields of an adjustment, and is required for that operation only.
    """

    model_config = ConfigDict(json_schema_extra={"oneOf": [_ADJUSTMENT, _SCHEDULABLE, _IMMEDIATE]})

    operation: Literal["start", "pause", "resume", "complete", "adjust", "cancel", "unschedule"]
    session_ids: Annotated[list[Uuid], Field(min_length=1, max_length=MAX_BATCH)]
    effective_at: EffectiveInstant | None = None
    adjust: Annotated[AdjustClocksBody | None, Field(validate_default=True)] = None

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
    def requires(self) -> Operation:
        """The right that the command needs in each of the sessions."""
        return Operation.ADJUST_CLOCKS if self.adjust else Operation(self.operation)

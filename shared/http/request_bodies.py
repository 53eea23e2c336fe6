"""Request bodies (docs/api.md) and their commands. Unknown fields are refused."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError

from shared.domain.clocks import ClockScope
from shared.domain.commands import (
    EVERY_CLOCK,
    AdjustClocks,
    AdjustTime,
    ClockTarget,
    Switch,
    Undo,
    UpdateParticipant,
)
from shared.domain.participants import MAX_PARTICIPANTS
from shared.domain.undo import UndoMode
from shared.domain.units import HOUR
from shared.http.fields import (
    AddedTime,
    BankTime,
    ClientInstant,
    ClockError,
    Flag,
    FrameLag,
    Id,
    Lifetime,
    Name,
    PeriodsLeft,
    Reason,
    Uuid,
    Version,
)

MAX_BATCH = 50


class Body(BaseModel):
    """A JSON object with these fields and no others."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def context_of(cls, value: Any) -> dict[str, Any] | None:
        """Return what the fields of the body `value` must know of other fields."""
        return None


@dataclass(frozen=True, slots=True)
class OrName:
    """Adds to a body's JSON Schema that one of these names may stand for its fields."""

    names: Callable[[], list[str]]

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [handler(schema), {"type": "string", "enum": self.names()}]}


class EmptyBody(Body):
    """An empty object, equivalent to no body."""


class SwitchBody(Body):
    """Optionally the next participant, and the participant whose cycle the caller means to end.

    For lag compensation: when the player acted, by how much that instant may be wrong, and the
    round trip of the player's connection.
    """

    next_participant_id: Id | None = None
    current_participant_id: Id | None = None
    acted_at_ms: ClientInstant | None = None
    error_ms: ClockError | None = None
    frame_lag_ms: FrameLag | None = None

    def command(self) -> Switch:
        return Switch(
            self.next_participant_id,
            self.current_participant_id,
            self.acted_at_ms,
            self.error_ms,
            self.frame_lag_ms,
        )


class UpdateParticipantBody(Body):
    """What changes for the participant; at least one field besides `reason`.

    `total_time_ms` is the value that its clock has from now on, and `overtime_periods` the number
    of periods left, the current one included. `name: null` removes the name.
    """

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    total_time_ms: BankTime | None = None
    overtime_periods: PeriodsLeft | None = None
    name: Name | None = None
    is_retired: Flag | None = None
    reason: Reason | None = None

    @model_validator(mode="after")
    def _require_a_change(self) -> Self:
        given = (self.total_time_ms, self.overtime_periods, self.is_retired)
        if given == (None, None, None) and not self._is_renamed:
            names = "total_time_ms, overtime_periods, name and is_retired"
            raise PydanticCustomError("too_few", f"must have at least one of {names}")
        return self

    @property
    def _is_renamed(self) -> bool:
        return "name" in self.model_fields_set

    def command(self, participant_id: str) -> AdjustTime | UpdateParticipant:
        """Return the command; one that only adjusts the clock is an `AdjustTime`."""
        total, periods = self.total_time_ms, self.overtime_periods
        adjustment = AdjustTime(participant_id, total, self.reason, periods)
        if self.is_retired is None and not self._is_renamed:
            return adjustment
        has_adjustment = (total, periods) != (None, None)
        return UpdateParticipant(
            participant_id,
            adjustment if has_adjustment else None,
            self._is_renamed,
            self.name,
            self.is_retired,
            self.reason,
        )


class ReasonBody(Body):
    """Optionally the reason, for the history."""

    reason: Reason | None = None


class UndoBody(Body):
    """The kind of undo. With `if_version`, only if the session still has that version."""

    mode: Literal["turn_start", "before_switch", "as_if_never"]
    reason: Reason | None = None
    if_version: Version | None = None

    def command(self) -> Undo:
        return Undo(UndoMode(self.mode), self.reason, self.if_version)


Ids = Annotated[list[Id], Field(min_length=1, max_length=MAX_PARTICIPANTS)]
"""Participants or groups that a command names."""


class TargetBody(Body):
    """Participants or groups whose clocks are meant."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["participants"]}, {"required": ["groups"]}]}
    )

    participants: Ids | None = None
    groups: Ids | None = None

    _scope: ClockScope | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _take_scope(cls, value: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        """Accept the name of a scope instead of fields, of which exactly one must be given."""
        if not isinstance(value, str):
            body = validate(value)
            if bool(body.participants) == bool(body.groups):
                message = "must name participants or groups, and not both"
                raise PydanticCustomError("one_of_two", message)
            return body
        if value not in _SCOPES:
            raise PydanticKnownError("literal_error", {"expected": _SCOPE_NAMES})
        body = validate({})
        body._scope = ClockScope(value)
        return body

    def target(self) -> ClockTarget:
        """Return the target for the domain."""
        return ClockTarget(self._scope, tuple(self.participants or ()), tuple(self.groups or ()))


_SCOPES = [scope.value for scope in ClockScope]
_SCOPE_NAMES = "'all', 'session' or 'cycle'"
_ADD: dict[str, Any] = {"properties": {"add_ms": {"type": "integer"}}, "required": ["add_ms"]}
_SET: dict[str, Any] = {"properties": {"set_ms": {"type": "integer"}}, "required": ["set_ms"]}


class AdjustClocksBody(Body):
    """The time to add to clocks, or the value that they have from now on.

    `to` says which clocks. `reopen` lets an expired session run again. In `individual`, `scaled`
    multiplies `add_ms` by each participant's factor.
    """

    model_config = ConfigDict(json_schema_extra={"anyOf": [_ADD, _SET]})

    set_ms: BankTime | None = None
    add_ms: Annotated[AddedTime | None, Field(validate_default=True)] = None
    to: Annotated[TargetBody, OrName(lambda: _SCOPES)] | None = None
    reason: Reason | None = None
    reopen: Flag = False
    scaled: Flag = False

    @field_validator("add_ms")
    @classmethod
    def _require_one(cls, add_ms: int | None, info: ValidationInfo) -> int | None:
        """Refuse a body without one time before the session's status is looked at.

        An invalid `set_ms` counts as given.
        """
        is_set = info.data.get("set_ms", 0) is not None
        if add_ms is None and not is_set:
            raise PydanticCustomError("too_few", "is required unless set_ms is given")
        if add_ms is not None and is_set:
            raise PydanticCustomError("not_allowed", "cannot be combined with set_ms")
        return add_ms

    def command(self) -> AdjustClocks:
        return AdjustClocks(
            self.to.target() if self.to else EVERY_CLOCK,
            self.add_ms,
            self.set_ms,
            self.reason,
            self.reopen,
            self.scaled,
        )


_PARTICIPANT_TOKEN: dict[str, Any] = {
    "properties": {"role": {"const": "participant"}, "participant_id": {"type": "string"}},
    "required": ["participant_id"],
}
_OTHER_TOKEN: dict[str, Any] = {
    "properties": {
        "role": {"enum": ["cohost", "spectator"]},
        "participant_id": {"type": "null"},
    }
}


class TokenBody(Body):
    """The holder of a token; `participant_id` is required for a participant only."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [_PARTICIPANT_TOKEN, _OTHER_TOKEN]})

    role: Literal["cohost", "participant", "spectator"]
    participant_id: Annotated[Id | None, Field(validate_default=True)] = None
    lifetime_ms: Lifetime = HOUR

    @field_validator("participant_id")
    @classmethod
    def _check_role(cls, value: str | None, info: ValidationInfo) -> str | None:
        role = info.data.get("role")
        if role == "participant" and value is None:
            raise PydanticCustomError("missing", "is required")
        if role in ("cohost", "spectator") and value is not None:
            raise PydanticCustomError("not_allowed", "is for a participant only")
        return value


class BatchBody(Body):
    """Up to 50 sessions to read."""

    session_ids: Annotated[list[Uuid], Field(max_length=MAX_BATCH)]

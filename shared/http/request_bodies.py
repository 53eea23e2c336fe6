"""Request bodies (API section 2) and their commands. Unknown fields are refused."""

from itertools import islice
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from shared.domain.commands import AdjustTime, Switch, Undo
from shared.domain.undo import UndoMode
from shared.domain.units import Millis
from shared.http.fields import BankTime, Id, Lifetime, PeriodsLeft, Reason, Uuid, Version
from shared.http.validation_errors import MAX_DETAILS

MAX_BATCH = 50


class Body(BaseModel):
    """A JSON object with these fields and no others.

    Unknown fields beyond those that an error response can list are dropped before validation:
    pydantic needs 6 us per error, and a body of 1 MiB could cause 30 000.
    """

    model_config = ConfigDict(extra="forbid")
    known: ClassVar[frozenset[str]] = frozenset()
    """The names of its fields, cached because pydantic computes `model_fields` at each access."""

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        super().__pydantic_init_subclass__(**options)
        cls.known = frozenset(cls.model_fields)

    @classmethod
    def context_of(cls, value: Any) -> dict[str, Any] | None:
        """Return what the fields of the body `value` must know of other fields."""
        return None

    @model_validator(mode="before")
    @classmethod
    def _drop_excess_fields(cls, value: Any) -> Any:
        if not isinstance(value, dict) or len(value) <= len(cls.known) + MAX_DETAILS:
            return value
        unknown = (name for name in value if name not in cls.known)
        kept = {*cls.known, *islice(unknown, MAX_DETAILS)}
        return {name: field for name, field in value.items() if name in kept}


class EmptyBody(Body):
    """An empty object, equivalent to no body."""


class SwitchBody(Body):
    """Optionally the next participant, and the participant whose cycle the caller means to end."""

    next_participant_id: Id | None = None
    current_participant_id: Id | None = None

    def command(self) -> Switch:
        return Switch(self.next_participant_id, self.current_participant_id)


class AdjustBody(Body):
    """The value that the participant's clock has from now on.

    `overtime_periods` sets the number of periods left, the current one included.
    """

    total_time_ms: BankTime
    overtime_periods: PeriodsLeft | None = None
    reason: Reason | None = None

    def command(self, participant_id: str) -> AdjustTime:
        return AdjustTime(
            participant_id, Millis(self.total_time_ms), self.reason, self.overtime_periods
        )


class UndoBody(Body):
    """The kind of undo. With `if_version`, only if the session still has that version."""

    mode: Literal["turn_start", "before_switch", "as_if_never"]
    reason: Reason | None = None
    if_version: Version | None = None

    def command(self) -> Undo:
        return Undo(UndoMode(self.mode), self.reason, self.if_version)


_PARTICIPANT_TOKEN: dict[str, Any] = {
    "properties": {"role": {"const": "participant"}, "participant_id": {"type": "string"}},
    "required": ["participant_id"],
}
_SPECTATOR_TOKEN: dict[str, Any] = {
    "properties": {"role": {"const": "spectator"}, "participant_id": {"type": "null"}}
}


class TokenBody(Body):
    """The holder of a token; `participant_id` is required for a participant only."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [_PARTICIPANT_TOKEN, _SPECTATOR_TOKEN]})

    role: Literal["participant", "spectator"]
    participant_id: Annotated[Id | None, Field(validate_default=True)] = None
    lifetime_ms: Lifetime = 3_600_000

    @field_validator("participant_id")
    @classmethod
    def _check_role(cls, value: str | None, info: ValidationInfo) -> str | None:
        role = info.data.get("role")
        if role == "participant" and value is None:
            raise PydanticCustomError("missing", "is required")
        if role == "spectator" and value is not None:
            raise PydanticCustomError("not_allowed", "is for a participant only")
        return value


class BatchBody(Body):
    """Up to 50 sessions to read."""

    session_ids: Annotated[list[Uuid], Field(max_length=MAX_BATCH)]

"""Request bodies (API §2), and the commands they stand for. Unknown fields are refused."""

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

from shared.domain.commands import AdjustTime, Switch
from shared.domain.units import Millis
from shared.http.fields import Duration, Lifetime, Reason, Uuid
from shared.http.validation import MAX_DETAILS

MAX_BATCH = 50


class Body(BaseModel):
    """A JSON object with these fields and no others.

    Of the unknown fields of an object only so many are looked at as an answer can show: pydantic
    takes 6 us for each fault, and a body of 1 MiB has room for 30 000.
    """

    model_config = ConfigDict(extra="forbid")
    known: ClassVar[frozenset[str]] = frozenset()
    """The names of its fields: pydantic's `model_fields` is worked out at each look."""

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        super().__pydantic_init_subclass__(**options)
        cls.known = frozenset(cls.model_fields)

    @model_validator(mode="before")
    @classmethod
    def _shortened(cls, value: Any) -> Any:
        if not isinstance(value, dict) or len(value) <= len(cls.known) + MAX_DETAILS:
            return value
        unknown = (name for name in value if name not in cls.known)
        kept = {*cls.known, *islice(unknown, MAX_DETAILS)}
        return {name: field for name, field in value.items() if name in kept}


class NoFields(Body):
    """An empty object; leaving the body out says the same."""


class SwitchBody(Body):
    """Both optional: who follows, and whose cycle the caller believes it ends."""

    next_participant_id: Uuid | None = None
    current_participant_id: Uuid | None = None

    def command(self) -> Switch:
        """What the body asks for."""
        return Switch(self.next_participant_id, self.current_participant_id)


class AdjustBody(Body):
    """What the clock is to read from this instant on."""

    total_time_ms: Duration
    reason: Reason | None = None

    def command(self, participant_id: str) -> AdjustTime:
        """What the body asks for."""
        return AdjustTime(participant_id, Millis(self.total_time_ms), self.reason)


_FOR_A_PARTICIPANT: dict[str, Any] = {
    "properties": {"role": {"const": "participant"}, "participant_id": {"type": "string"}},
    "required": ["participant_id"],
}
_FOR_ONE_WHO_WATCHES: dict[str, Any] = {
    "properties": {"role": {"const": "spectator"}, "participant_id": {"type": "null"}}
}


class TokenBody(Body):
    """Whom a token is for; `participant_id` where it is a participant."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [_FOR_A_PARTICIPANT, _FOR_ONE_WHO_WATCHES]}
    )

    role: Literal["participant", "spectator"]
    participant_id: Annotated[Uuid | None, Field(validate_default=True)] = None
    lifetime_ms: Lifetime = 3_600_000

    @field_validator("participant_id")
    @classmethod
    def _suits_the_role(cls, value: str | None, info: ValidationInfo) -> str | None:
        role = info.data.get("role")
        if role == "participant" and value is None:
            raise PydanticCustomError("missing", "is required")
        if role == "spectator" and value is not None:
            raise PydanticCustomError("not_allowed", "is for a participant only")
        return value


class BatchBody(Body):
    """Up to 50 sessions to read."""

    session_ids: Annotated[list[Uuid], Field(max_length=MAX_BATCH)]

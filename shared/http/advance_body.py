"""The body of an advance of a test session."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from shared.domain.commands import Advance
from shared.domain.units import Instant, Millis
from shared.domain.virtual_clock import MAX_ADVANCE
from shared.http.fields import Integer, rfc_3339_instant
from shared.http.request_bodies import Body

_NULL: dict[str, Any] = {"type": "null"}
_FORMS: Any = [
    {"properties": {"ms": {"type": "integer"}, "to": _NULL, "until": _NULL}, "required": ["ms"]},
    {"properties": {"ms": _NULL, "to": {"type": "string"}, "until": _NULL}, "required": ["to"]},
    {"properties": {"ms": _NULL, "to": _NULL, "until": {"const": "next"}}, "required": ["until"]},
]

AdvanceTime = Annotated[Millis, Field(ge=1, le=MAX_ADVANCE, description="ms"), Integer()]
AdvanceInstant = Annotated[
    Instant,
    BeforeValidator(rfc_3339_instant),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "description": "Not before the session's time, and at most 30 days after it",
        }
    ),
]


class AdvanceBody(Body):
    """How far time passes: for `ms`, to an instant, or until the next thing happens by itself."""

    model_config = ConfigDict(json_schema_extra={"oneOf": _FORMS})

    ms: AdvanceTime | None = None
    to: AdvanceInstant | None = None
    until: Literal["next"] | None = None

    @model_validator(mode="after")
    def _require_exactly_one(self) -> Self:
        if sum(value is not None for value in (self.ms, self.to, self.until)) != 1:
            raise PydanticCustomError("exactly_one", "must have exactly one of ms, to, until")
        return self

    def command(self) -> Advance:
        return Advance(self.ms, self.to)

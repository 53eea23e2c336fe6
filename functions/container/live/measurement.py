"""The measurement of a client's clock, which the client sends (docs/presence.md)."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from functions.container.live.connection import LiveConnection
from shared.domain.units import Millis
from shared.http.fields import without_zero_fraction
from shared.http.validation_errors import error_details, first_errors

_MOST_MS: Final = 3_600_000

# Not `Integer()`, because the query of a stream contains text; messages are validated strictly.
_Measured = Annotated[Millis, Field(ge=0, le=_MOST_MS), BeforeValidator(without_zero_fraction)]


class ClockMeasurement(BaseModel):
    """The quality of a client's clock: of its ping messages, and of the query of a stream."""

    round_trip_ms: Annotated[
        _Measured | None,
        Field(description="The client's shortest round trip to the service, ms, for the presence"),
    ] = None
    error_ms: Annotated[
        _Measured | None,
        Field(description="The maximum error of the client's clock, ms, for the presence"),
    ] = None

    def note_in(self, connection: LiveConnection) -> None:
        """Note what the client said as part of the presence of its connection."""
        connection.measured(self.round_trip_ms, self.error_ms)


def measurement_in(message: dict[str, Any]) -> ClockMeasurement:
    """Return the measurement in a client's message. Raises `ValueError` with the field."""
    try:
        return ClockMeasurement.model_validate(message, strict=True)
    except ValidationError as invalid:
        found = first_errors(invalid)[0]
        (detail,) = error_details([{**found, "loc": ("message", *found["loc"])}])
        raise ValueError(f"{detail['field']} {detail['message']}") from None

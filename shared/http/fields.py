"""Types of request fields, with their validation rules."""

import re
from datetime import datetime
from typing import Annotated, Any

import msgspec
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    Strict,
    StrictBool,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError
from pydantic_core.core_schema import no_info_before_validator_function

from shared.application.api_key_format import KEY_ID
from shared.application.instants import datetime_of, instant_of
from shared.auth.claims import TOKEN_ID
from shared.domain.ids import MAX_ID_LENGTH, UUID, is_printable, normalized_id
from shared.domain.participants import MIN_BANK
from shared.domain.programme import MAX_REPEAT
from shared.domain.time_control import MAX_LONG_TIME
from shared.domain.units import DAY, Instant, Millis

_MAX_OBJECT_BYTES = 8192
_MAX_DEPTH = 32
_UNSAFE_INTEGER = 2**53
_MAX_NAME = 100
_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_VISIBLE = rf"[^\s{_CONTROL}]"
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
_ENCODED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_NUL = PydanticCustomError(
    "no_nul", "cannot contain the character U+0000, which Postgres can't store"
)


def uuid_of(value: str) -> str:
    """Return the UUID in lower case, as stored. Raises `PydanticCustomError` if it is none."""
    if not UUID.fullmatch(value):
        raise PydanticCustomError("uuid", "must be a valid UUID")
    return value.lower()


def token_id_of(value: str) -> str:
    """Return the id of a token. Raises `PydanticCustomError` if it is none."""
    if not TOKEN_ID.fullmatch(value):
        raise PydanticCustomError("id", "must be 1 to 64 letters, digits or the characters ._~-")
    return value


def key_id_of(value: str) -> str:
    """Return the id of an API key. Raises `PydanticCustomError` if it is none."""
    if not KEY_ID.fullmatch(value):
        raise PydanticCustomError("id", "must be 16 letters and digits")
    return value


def id_of(value: str) -> str:
    """Return the id of a participant or group as stored.

    Raises `PydanticCustomError` if it is none.
    """
    stored = normalized_id(value)
    if stored is None:
        raise PydanticCustomError("id", f"must be 1 to {MAX_ID_LENGTH} printable characters")
    return stored


def _check_name(value: str) -> str:
    if not is_printable(value):
        raise PydanticCustomError("control_character", "cannot contain control characters")
    if not value.strip():
        raise PydanticCustomError("blank", "must have at least 1 character that is not a space")
    return value


def check_object(value: dict[str, Any]) -> dict[str, Any]:
    """Check that the object is at most 8 KiB as JSON, 32 levels deep, and free of U+0000.

    Size is limited because each change writes the object, and depth because encoders limit it.
    Raises `PydanticCustomError`.
    """
    encoded = msgspec.json.encode(value)
    if len(encoded) > _MAX_OBJECT_BYTES:
        raise PydanticCustomError("too_large", f"cannot exceed {_MAX_OBJECT_BYTES} bytes as JSON")
    if _is_deeper(value, _MAX_DEPTH):
        raise PydanticCustomError("too_deep", f"cannot be nested deeper than {_MAX_DEPTH}")
    if _ENCODED_NUL.search(encoded):
        raise _NUL
    return value


def _without_nul(value: str) -> str:
    if "\0" in value:
        raise _NUL
    return value


def _is_deeper(value: Any, depth: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    children = value.values() if isinstance(value, dict) else value
    return depth == 0 or any(_is_deeper(child, depth - 1) for child in children)


def _instant(value: Any) -> int:
    """Return ms since the Unix epoch from such a number or an ISO 8601 timestamp with offset."""
    try:
        text = str(value)
        instant = int(text) if text.isdecimal() else instant_of(datetime.fromisoformat(text))
        datetime_of(Instant(instant))
    except (ValueError, OverflowError, TypeError):
        message = "must be a timestamp such as 2026-01-31T09:30:05.123Z, or ms since 1970"
        raise PydanticCustomError("timestamp", message) from None
    return instant


def rfc_3339_instant(value: Any) -> Instant:
    """Return the instant of an RFC 3339 timestamp, rounded down to 1 ms; the domain checks when.

    Numbers are refused, because they could be ms or s. Raises `PydanticCustomError`.
    """
    try:
        if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
            raise ValueError
        return instant_of(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        message = "must be a timestamp with Z or an offset, such as 2026-01-31T09:30:05.123Z"
        raise PydanticCustomError("timestamp", message) from None


class Integer:
    """Marks an integer that may be written as 5.0 (JSON Schema Validation section 6.1.1).

    Text and booleans are refused. It stands after the limits, so that pydantic checks them itself.
    """

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        strict: Any = {**handler(source), "strict": True}
        return no_info_before_validator_function(without_zero_fraction, strict)


def without_zero_fraction(value: Any) -> Any:
    """Return 5 for 5.0, and anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _bank_time(value: int, info: ValidationInfo) -> int:
    """Check the limits of a bank without a time control, or the wider ones of a bank with it.

    The context says whether the session of a creation has a time control. Without the context the
    domain checks the narrower limits.
    """
    if MIN_BANK <= value <= DAY:
        return value
    is_plain = (
        info.context is not None
        and not info.context["has_time_control"]
        and info.data.get("time_control") is None
    )
    least, most = (MIN_BANK, DAY) if is_plain else (0, MAX_LONG_TIME)
    if value < least:
        raise PydanticKnownError("greater_than_equal", {"ge": least})
    if value > most:
        raise PydanticKnownError("less_than_equal", {"le": most})
    return value


def _check_not_zero(value: int) -> int:
    if value == 0:
        raise PydanticCustomError("zero", "cannot be 0ms")
    return value


def _check_threshold(value: int) -> int:
    """Check that a threshold isn't 0, which is the deadline itself."""
    if value == 0:
        raise PydanticKnownError("greater_than_equal", {"ge": 1})
    return value


Uuid = Annotated[
    str, Strict(), AfterValidator(uuid_of), WithJsonSchema({"type": "string", "format": "uuid"})
]
Id = Annotated[
    str,
    Strict(),
    AfterValidator(id_of),
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_ID_LENGTH,
            "pattern": f"^{_VISIBLE}(?:[^{_CONTROL}]*{_VISIBLE})?$",
        }
    ),
]
Name = Annotated[
    str,
    Strict(),
    Field(max_length=_MAX_NAME),
    AfterValidator(_check_name),
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": _MAX_NAME,
            "pattern": f"^[^{_CONTROL}]*{_VISIBLE}[^{_CONTROL}]*$",
        }
    ),
]
Duration = Annotated[Millis, Field(ge=1_000, le=86_400_000, description="ms"), Integer()]
Lifetime = Annotated[
    Millis,
    Field(ge=1_000, le=86_400_000, description="ms, rounded down to whole seconds"),
    Integer(),
]
Threshold = Annotated[
    Millis,
    Field(ge=-DAY, le=DAY),
    Integer(),
    AfterValidator(_check_threshold),
    WithJsonSchema(
        {
            "type": "integer",
            "minimum": -DAY,
            "maximum": DAY,
            "not": {"const": 0},
            "description": "Remaining time, ms; below 0 only with overtime",
        }
    ),
]
Thresholds = Annotated[list[Threshold], Field(max_length=5)]
LongThresholds = Annotated[
    list[Annotated[Millis, Field(ge=1, le=MAX_LONG_TIME, description="ms"), Integer()]],
    Field(max_length=5),
]
BankTime = Annotated[
    Millis,
    Integer(),
    AfterValidator(_bank_time),
    WithJsonSchema(
        {
            "type": "integer",
            "minimum": 0,
            "maximum": MAX_LONG_TIME,
            "description": "ms; from 0 only with overtime periods, otherwise from 1000; above"
            " 86400000 only with a time_control",
        }
    ),
]
"""Time of a participant or group; fields before it may hold its time control."""
AddedTime = Annotated[
    Millis,
    Field(
        ge=-DAY,
        le=DAY,
        description="ms, not 0; below 0 takes time",
        json_schema_extra={"not": {"const": 0}},
    ),
    Integer(),
    AfterValidator(_check_not_zero),
]
ShortTime = Annotated[Millis, Field(ge=0, le=600_000, description="ms"), Integer()]
LongTime = Annotated[Millis, Field(ge=1_000, le=MAX_LONG_TIME, description="ms"), Integer()]
Delay = Annotated[Millis, Field(ge=0, le=MAX_LONG_TIME, description="ms from now"), Integer()]
LongIncrement = Annotated[Millis, Field(ge=0, le=MAX_LONG_TIME, description="ms"), Integer()]
Increment = Annotated[Millis, Field(ge=0, le=60_000, description="ms"), Integer()]
PeriodCount = Annotated[int, Field(ge=1, le=99), Integer()]
PeriodsLeft = Annotated[int, Field(ge=0, le=99), Integer()]
BlockTurns = Annotated[int, Field(ge=2, le=999), Integer()]
StageTurns = Annotated[int, Field(ge=1, le=9_999), Integer()]
Repeat = Annotated[int, Field(ge=1, le=MAX_REPEAT), Integer()]
LagGain = Annotated[Millis, Field(ge=10, le=1_000, description="ms"), Integer()]
ClientInstant = Annotated[
    int,
    Field(
        ge=0,
        le=_UNSAFE_INTEGER - 1,
        description="ms since 1970, on the server's clock as you know it",
    ),
    Integer(),
]
ClockError = Annotated[
    Millis,
    Field(ge=0, le=_UNSAFE_INTEGER - 1, description="ms; without it nothing is claimed"),
    Integer(),
]
FrameLag = Annotated[
    Millis,
    Field(ge=0, le=10_000, description="ms; above 860 it changes nothing"),
    Integer(),
]
Index = Annotated[int, Field(ge=0, le=2**31 - 1), Integer()]
SmallObject = Annotated[dict[str, Any], AfterValidator(check_object)]
Reason = Annotated[str, Strict(), Field(max_length=500), AfterValidator(_without_nul)]
Flag = StrictBool
Timestamp = Annotated[
    int, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
GracePeriod = Annotated[Millis, Field(ge=0, le=3_600_000, description="ms"), Integer()]
ExtraTime = Annotated[Millis, Field(ge=0, le=7 * DAY, description="ms"), Integer()]
Factor = Annotated[
    int,
    Field(ge=1_000, le=4_000, description="Thousandths of the session's time"),
    Integer(),
]
FutureInstant = Annotated[
    Instant,
    BeforeValidator(rfc_3339_instant),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "description": "1 s to 30 days after now, by the server's clock",
        }
    ),
]
EffectiveInstant = Annotated[
    Instant,
    BeforeValidator(rfc_3339_instant),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "description": "At most 60 s before or after now, by the server's clock",
        }
    ),
]
Times = Annotated[int, Field(ge=1, le=9_999), Integer()]
MAX_VERSION = 2**31 - 1
Version = Annotated[int, Field(ge=1, le=MAX_VERSION), Integer()]

"""The kinds of values that requests are made of, each with its rule."""

import re
from datetime import datetime
from typing import Annotated, Any

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field, Strict, StrictBool, WithJsonSchema
from pydantic_core import PydanticCustomError

from shared.domain.units import Instant
from shared.instants import datetime_of, instant_of

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MAX_OBJECT_BYTES = 8192
_MAX_DEPTH = 32
_WRITTEN_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_NUL = PydanticCustomError("no_nul", "cannot hold the character U+0000, which Postgres can't store")


def uuid_of(value: str) -> str:
    """The UUID in lower case, as it is stored. Raises `PydanticCustomError` for anything else."""
    if not _UUID.fullmatch(value):
        raise PydanticCustomError("uuid", "must be a valid UUID")
    return value.lower()


def check_small(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse an object whose JSON is over 8 KiB, or nested beyond what every encoder takes.

    It is written with every change.
    """
    written = msgspec.json.encode(value)
    if len(written) > _MAX_OBJECT_BYTES:
        raise PydanticCustomError("too_large", f"cannot exceed {_MAX_OBJECT_BYTES} bytes as JSON")
    if _is_deeper(value, _MAX_DEPTH):
        raise PydanticCustomError("too_deep", f"cannot be nested deeper than {_MAX_DEPTH}")
    if _WRITTEN_NUL.search(written):
        raise _NUL
    return value


def _without_nul(value: str) -> str:
    if "\0" in value:
        raise _NUL
    return value


def _is_deeper(value: Any, depth: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return depth == 0 or any(_is_deeper(one, depth - 1) for one in inner)


def _instant(value: Any) -> int:
    """ms since the Unix epoch, of a text that says so or is ISO 8601 with an offset."""
    try:
        text = str(value)
        instant = int(text) if text.isdecimal() else instant_of(datetime.fromisoformat(text))
        datetime_of(Instant(instant))
    except (ValueError, OverflowError, TypeError):
        message = "must be a timestamp such as 2026-01-31T09:30:05.123Z, or ms since 1970"
        raise PydanticCustomError("timestamp", message) from None
    return instant


def _whole(value: Any) -> Any:
    """5.0 is 5 (JSON Schema, Validation §6.1.1), as some languages write it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_whole_number = BeforeValidator(_whole)
Uuid = Annotated[
    str, Strict(), AfterValidator(uuid_of), WithJsonSchema({"type": "string", "format": "uuid"})
]
Duration = Annotated[int, Strict(), Field(ge=1_000, le=86_400_000, description="ms"), _whole_number]
Lifetime = Annotated[
    int, Strict(), Field(ge=1_000, le=86_400_000, description="ms, in whole s"), _whole_number
]
Threshold = Annotated[
    int, Strict(), Field(ge=1, le=86_400_000, description="ms left"), _whole_number
]
Increment = Annotated[int, Strict(), Field(ge=0, le=60_000, description="ms"), _whole_number]
Index = Annotated[int, Strict(), Field(ge=0, le=2**31 - 1), _whole_number]
SmallObject = Annotated[dict[str, Any], AfterValidator(check_small)]
Reason = Annotated[str, Strict(), Field(max_length=500), AfterValidator(_without_nul)]
Flag = StrictBool
Timestamp = Annotated[
    int, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
MAX_VERSION = 2**31 - 1

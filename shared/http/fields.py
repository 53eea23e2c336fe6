"""The kinds of values that requests are made of, each with its rule."""

import re
from typing import Annotated, Any

import msgspec
from pydantic import AfterValidator, Field, Strict, StrictBool, WithJsonSchema
from pydantic_core import PydanticCustomError

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MAX_OBJECT_BYTES = 8192


def _uuid(value: str) -> str:
    if not _UUID.fullmatch(value):
        raise PydanticCustomError("uuid", "must be a valid UUID")
    return value.lower()


def check_small(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse an object whose JSON is over 8 KiB; it would weigh on every change."""
    if len(msgspec.json.encode(value)) > _MAX_OBJECT_BYTES:
        raise PydanticCustomError("too_large", f"cannot exceed {_MAX_OBJECT_BYTES} bytes as JSON")
    return value


Uuid = Annotated[
    str, Strict(), AfterValidator(_uuid), WithJsonSchema({"type": "string", "format": "uuid"})
]
Duration = Annotated[int, Strict(), Field(ge=1_000, le=86_400_000, description="ms")]
Threshold = Annotated[int, Strict(), Field(ge=1, le=86_400_000, description="ms left")]
Increment = Annotated[int, Strict(), Field(ge=0, le=60_000, description="ms")]
Index = Annotated[int, Strict(), Field(ge=0, le=2**31 - 1)]
SmallObject = Annotated[dict[str, Any], AfterValidator(check_small)]
Flag = StrictBool

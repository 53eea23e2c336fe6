"""The kinds of values that requests are made of, each with its rule."""

import re
from typing import Annotated, Any

import msgspec
from pydantic import AfterValidator, Field, Strict, StrictBool, WithJsonSchema
from pydantic_core import PydanticCustomError

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MAX_OBJECT_BYTES = 8192
_MAX_DEPTH = 32


def _uuid(value: str) -> str:
    if not _UUID.fullmatch(value):
        raise PydanticCustomError("uuid", "must be a valid UUID")
    return value.lower()


def check_small(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse an object whose JSON is over 8 KiB, or nested beyond what every encoder takes.

    It is written with every change.
    """
    if _is_deeper(value, _MAX_DEPTH):
        raise PydanticCustomError("too_deep", f"cannot be nested deeper than {_MAX_DEPTH}")
    if len(msgspec.json.encode(value)) > _MAX_OBJECT_BYTES:
        raise PydanticCustomError("too_large", f"cannot exceed {_MAX_OBJECT_BYTES} bytes as JSON")
    return value


def _is_deeper(value: Any, depth: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return depth == 0 or any(_is_deeper(one, depth - 1) for one in inner)


Uuid = Annotated[
    str, Strict(), AfterValidator(_uuid), WithJsonSchema({"type": "string", "format": "uuid"})
]
Duration = Annotated[int, Strict(), Field(ge=1_000, le=86_400_000, description="ms")]
Threshold = Annotated[int, Strict(), Field(ge=1, le=86_400_000, description="ms left")]
Increment = Annotated[int, Strict(), Field(ge=0, le=60_000, description="ms")]
Index = Annotated[int, Strict(), Field(ge=0, le=2**31 - 1)]
SmallObject = Annotated[dict[str, Any], AfterValidator(check_small)]
Flag = StrictBool

"""Conditions on the metadata of sessions, in a query and in a body."""

from typing import Annotated, Any

import msgspec
from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from shared.application.ports.listed_sessions import Scalar

MAX_CONDITIONS = 5
_MAX_KEY = 100
_MAX_VALUE = 200
_TEXT = {"type": "string", "maxLength": _MAX_VALUE, "pattern": r"^[^\x00]*$"}


def meanings(text: str) -> tuple[Scalar, ...]:
    """Return the JSON values that text in a query can mean: itself, and a number or boolean."""
    try:
        value = msgspec.json.decode(text)
    except ValueError:
        return (text,)
    return (text, value) if isinstance(value, bool | int | float) else (text,)


def _check_conditions(value: dict[str, Any]) -> dict[str, Any]:
    if len(value) > MAX_CONDITIONS:
        raise PydanticCustomError("too_large", f"can have at most {MAX_CONDITIONS} keys")
    for key, one in value.items():
        if not 1 <= len(key) <= _MAX_KEY:
            raise PydanticCustomError("too_large", f"must have keys of 1 to {_MAX_KEY} characters")
        if not isinstance(one, str | int | float):
            raise PydanticCustomError("scalar", "can have strings, numbers and booleans only")
        if len(str(one)) > _MAX_VALUE:
            raise PydanticCustomError("too_large", f"can have values of {_MAX_VALUE} characters")
        if "\0" in f"{key}{one}":
            raise PydanticCustomError("no_nul", "cannot contain the character U+0000")
    return value


QueryConditions = Annotated[
    dict[str, str],
    AfterValidator(_check_conditions),
    Field(
        description=(
            "Only sessions whose metadata has this value, given as `metadata.<key>=<value>` for up"
            f" to {MAX_CONDITIONS} keys. The value is a string, or a number or boolean as in JSON"
        ),
        json_schema_extra={
            "maxProperties": MAX_CONDITIONS,
            "propertyNames": {"pattern": rf"^metadata\.[^\x00]{{1,{_MAX_KEY}}}$"},
            "additionalProperties": _TEXT,
        },
    ),
]
"""Text by key, without the prefix of the parameters' names."""

Conditions = Annotated[
    dict[str, Any],
    Field(min_length=1),
    AfterValidator(_check_conditions),
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": MAX_CONDITIONS,
            "propertyNames": {"pattern": rf"^[^\x00]{{1,{_MAX_KEY}}}$"},
            "additionalProperties": {"anyOf": [_TEXT, {"type": "number"}, {"type": "boolean"}]},
        }
    ),
]
"""JSON values by key."""

"""Validation errors as field, message with number and unit, and code (docs/api.md, Errors)."""

from collections.abc import Sequence
from json import JSONDecoder
from typing import Any, get_args

from pydantic_core import ValidationError
from pydantic_core.core_schema import ErrorType

MAX_DETAILS = 20
"""Most validation errors that a response lists."""
_MAX_FIELD = 100

_CODES = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "unknown_field": "unknown_field",
    "greater_than_equal": "too_small",
    "less_than_equal": "too_big",
    "uuid": "invalid_uuid",
    "id": "invalid_id",
    "literal_error": "invalid_enum",
    "invalid_enum": "invalid_enum",
    "not_allowed": "not_allowed",
    "json_invalid": "invalid_json",
    "too_long": "too_long",
    "too_short": "too_short",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "too_large": "too_large",
    "too_deep": "too_deep",
    "timestamp": "invalid_timestamp",
    "cursor": "invalid_cursor",
    "no_nul": "invalid_character",
    "control_character": "invalid_character",
    "blank": "too_short",
    "too_few": "missing",
    "one_of_two": "one_of_two",
    "zero": "invalid",
}

_MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "int_type": "must be an integer",
    "int_from_float": "must be an integer",
    "int_parsing": "must be an integer",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be a string",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "string_pattern_mismatch": "may contain only visible ASCII characters",
}

_PYDANTIC_TYPES = frozenset(get_args(ErrorType))
"""Pydantic's own error types; its messages may quote the input, so they are not used."""


_decoder = JSONDecoder()

_TAG = "<"
"""Begins the tags of unions. Pydantic adds them to a location, although they are no fields."""


def union_tag(name: str) -> str:
    """Return the tag of a union's model that `error_details` leaves out."""
    return f"{_TAG}{name}>"


def first_errors(invalid: ValidationError) -> list[Any]:
    """Return the first `MAX_DETAILS` of `invalid.errors()`.

    Pydantic takes ten times as long for the errors as for their JSON, and a body can have 32 000.
    """
    text, position = invalid.json(include_url=False, include_input=False), 0
    errors = []
    for _ in range(min(invalid.error_count(), MAX_DETAILS)):
        error, position = _decoder.raw_decode(text, position + 1)
        errors.append(error)
    return errors


def error_details(errors: Sequence[Any]) -> list[dict[str, str]]:
    """Return the first of Pydantic's `errors()` as `details` of a 400.

    Only field names of the input are repeated, and only their first 100 characters.
    """
    return [
        {
            "field": _field(error["loc"]),
            "message": _message(error),
            "code": _CODES.get(error["type"], "invalid_type"),
        }
        for error in errors[:MAX_DETAILS]
    ]


def _field(location: Sequence[str | int]) -> str:
    """Return `('body', 'participants', 0, 'total_time_ms')` as `participants.0.total_time_ms`."""
    source, *steps = location
    path = [step for step in steps if not str(step).startswith(_TAG)]
    if not path or (source == "body" and isinstance(path[0], int)):
        return str(source)
    return ".".join(str(step) for step in path)[:_MAX_FIELD]


_IN_LIST = frozenset({"warn_at_ms", "warn_before_start_ms"})
"""Lists of durations."""


def _message(error: Any) -> str:
    kind, context = error["type"], error.get("ctx", {})
    unit = (
        "ms" if str(error["loc"][-1]).endswith("_ms") or _IN_LIST.intersection(error["loc"]) else ""
    )
    match kind:
        case "greater_than_equal":
            return f"must be at least {context['ge']}{unit}"
        case "less_than_equal":
            return f"cannot exceed {context['le']}{unit}"
        case "literal_error":
            return f"must be one of {context['expected']}"
        case "json_invalid":
            return str(context["error"])
        case "too_long":
            return f"cannot exceed {context['max_length']} entries"
        case "too_short":
            least = context["min_length"]
            return f"must have at least {least} {'entry' if least == 1 else 'entries'}"
        case "string_too_short":
            least = context["min_length"]
            return f"must have at least {least} character{'' if least == 1 else 's'}"
        case "string_too_long":
            return f"cannot exceed {context['max_length']} characters"
        case _:
            return _MESSAGES.get(kind) or (
                "is not valid" if kind in _PYDANTIC_TYPES else error["msg"]
            )

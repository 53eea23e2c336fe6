"""Messages for invalid settings: which variable, why, and an example."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

_SHOWABLE = re.compile(r"[\w.:+-]{1,16}")
"""Values that a message may repeat: too short for a secret in the wrong variable."""


def fault_messages(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """Yield a message for each fault in settings of `model`. No message contains a secret."""
    for fault in error.errors():
        message = fault["msg"].removeprefix("Value error, ")
        if not fault["loc"]:
            yield message
            continue
        name = str(fault["loc"][0])
        if fault["type"] != "value_error":
            message = f"{_rule(fault)}{_shown_value(fault, model, name)}{_example(model, name)}"
        yield f"{name.upper()} {message}"


def _rule(fault: Any) -> str:
    context = fault.get("ctx", {})
    match fault["type"]:
        case "literal_error":
            return f"must be {context['expected'].replace(chr(39), '')}"
        case "int_parsing" | "int_type" | "int_from_float":
            return "must be a whole number"
        case "float_parsing" | "float_type" | "finite_number":
            return "must be a number"
        case "bool_parsing" | "bool_type":
            return "must be true or false"
        case "greater_than":
            return f"must be more than {context['gt']}"
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case _:
            return f"is not valid: {fault['msg']}"


def _shown_value(fault: Any, model: type[BaseModel], name: str) -> str:
    """The invalid value, if it can't be a secret."""
    value = fault["input"]
    is_secret = SecretStr.__name__ in str(model.model_fields[name].annotation)
    if is_secret or not isinstance(value, str) or not _SHOWABLE.fullmatch(value):
        return ""
    return f', not "{value}"'


def _example(model: type[BaseModel], name: str) -> str:
    """An example, the default, for settings that are numbers."""
    default = model.model_fields[name].default
    is_number = isinstance(default, int | float) and not isinstance(default, bool)
    return f"; for example {name.upper()}={default}" if is_number else ""

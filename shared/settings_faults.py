"""What is wrong with settings, a sentence for each: which variable, why, and what to write."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

_HARMLESS = re.compile(r"[\w.:+-]{1,16}")
"""Values that may be repeated: too short for a secret that was set in the wrong place."""


def sentences(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """One sentence for each fault in settings of `model`; no secret is repeated."""
    for fault in error.errors():
        said = fault["msg"].removeprefix("Value error, ")
        if not fault["loc"]:
            yield said
            continue
        name = str(fault["loc"][0])
        if fault["type"] != "value_error":
            said = f"{_rule(fault)}{_given(fault, model, name)}{_example(model, name)}"
        yield f"{name.upper()} {said}"


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


def _given(fault: Any, model: type[BaseModel], name: str) -> str:
    """The value, where it can't be a secret."""
    value = fault["input"]
    is_secret = SecretStr.__name__ in str(model.model_fields[name].annotation)
    if is_secret or not isinstance(value, str) or not _HARMLESS.fullmatch(value):
        return ""
    return f', not "{value}"'


def _example(model: type[BaseModel], name: str) -> str:
    """What to write where only one value is given as the default."""
    default = model.model_fields[name].default
    is_number = isinstance(default, int | float) and not isinstance(default, bool)
    return f"; for example {name.upper()}={default}" if is_number else ""

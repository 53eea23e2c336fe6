"""Reads what a route takes from a request: ids in the path, header fields, query or body."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from shared.http.call import Call
from shared.http.fields import uuid_of
from shared.http.routing import IDEMPOTENCY_KEY, Route

_key = TypeAdapter(
    Annotated[str, Field(max_length=IDEMPOTENCY_KEY.max_length, pattern=IDEMPOTENCY_KEY.pattern)]
)

_MISSING = {"type": "missing", "loc": ("body",)}


class InvalidInput(Exception):
    """Every fault of a request's input: `errors` as pydantic tells them, `loc` with its source."""

    def __init__(self, errors: Sequence[Any]) -> None:
        super().__init__(f"{len(errors)} faults")
        self.errors = errors


async def read(call: Call, route: Route) -> tuple[BaseModel | None, ...]:
    """The arguments of the endpoint besides the call: one where it takes any input, else none.

    The ids in the path are written to `call`, in lower case. Raises `InvalidInput` with all faults
    at once, and what `Call.json` raises.
    """
    faults: list[Any] = []
    for name, given in call.path_params.items():
        if name != "rest":
            setattr(call, name, _id(name, given, faults))
    if IDEMPOTENCY_KEY in route.headers and (key := call.idempotency_key) is not None:
        _valid(_key, key, ("header", IDEMPOTENCY_KEY.name), faults)
    value = await _input(call, route, faults)
    if faults:
        raise InvalidInput(faults)
    return () if route.takes is None else (value,)


async def _input(call: Call, route: Route, faults: list[Any]) -> Any:
    model = route.takes
    if model is None:
        if route.reads_body:
            await call.checked_body()
        return None
    if not route.reads_body:
        return _valid(model, _query_of(call, model), ("query",), faults)
    try:
        given = await call.json()
    except ValueError as error:
        fault = {"type": "json_invalid", "loc": ("body", 0), "ctx": {"error": str(error)}}
        raise InvalidInput([fault]) from None
    if given is None:
        if not route.may_be_absent:
            faults.append(_MISSING)
        return None
    return _valid(model, given, ("body",), faults)


def _id(name: str, given: str, faults: list[Any]) -> str:
    try:
        return uuid_of(given)
    except PydanticCustomError as error:
        faults.append({"type": error.type, "loc": ("path", name), "msg": error.message()})
        return ""


def _query_of(call: Call, model: type[BaseModel]) -> dict[str, str]:
    return {name: value for name, value in call.query_params.items() if name in model.model_fields}


def _valid(
    kind: type[BaseModel] | TypeAdapter[str], given: Any, source: tuple[str, ...], faults: list[Any]
) -> Any:
    """`given` as `kind`; where it isn't, its faults are added to those of the request."""
    try:
        if isinstance(kind, TypeAdapter):
            return kind.validate_python(given)
        return kind.model_validate(given)
    except ValidationError as error:
        listed = error.errors(include_url=False, include_input=False)
        faults.extend({**fault, "loc": (*source, *fault["loc"])} for fault in listed)
        return None

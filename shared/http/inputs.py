"""Reads and validates the input of a request: ids in the path, headers, query or body."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from shared.application.event_loop import yield_to_event_loop
from shared.http.fields import id_of, key_id_of, token_id_of, uuid_of
from shared.http.request import ApiRequest
from shared.http.request_bodies import Body
from shared.http.routing import DRY_RUN, IDEMPOTENCY_KEY, SECRET_IDEMPOTENCY_KEY, Route
from shared.http.validation_errors import first_errors

_keys = {
    parameter: TypeAdapter(
        Annotated[
            str,
            Field(
                min_length=parameter.min_length,
                max_length=parameter.max_length,
                pattern=parameter.pattern,
            ),
        ]
    )
    for parameter in (IDEMPOTENCY_KEY, SECRET_IDEMPOTENCY_KEY)
}

_flag = TypeAdapter(bool)

_IDS = {
    "session_id": uuid_of,
    "participant_id": id_of,
    "webhook_id": uuid_of,
    "token_id": token_id_of,
    "key_id": key_id_of,
}
_MISSING = {"type": "missing", "loc": ("body",)}
_EMPTY_BODIES = (b"", b"{}")
"""Bodies that stand for an absent one, in the forms that clients send, which need no parser."""
_MANY_ERRORS = 1_000
"""Errors whose listing needs a slice of its own; fewer take well under 1 ms."""


class RequestValidationError(Exception):
    """All errors in a request's input, as in pydantic, with the source as first item of `loc`."""

    def __init__(self, errors: Sequence[Any]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = errors


async def read_input(request: ApiRequest, route: Route) -> tuple[BaseModel | None, ...]:
    """Return the endpoint's arguments after the call: one if it takes input, otherwise none.

    Sets the ids in the path on `request`, as they are stored. Raises `RequestValidationError` with
    all errors at once, and what `ApiRequest.json` raises.
    """
    errors: list[Any] = []
    for name, value in request.path_params.items():
        if name != "rest":
            setattr(request, name, _id(name, value, errors))
    if (key := request.idempotency_key) is not None:
        for parameter, adapter in _keys.items():
            if parameter in route.parameters:
                await _validate(adapter, key, ("header", parameter.name), errors)
    if request.scope["query_string"] and DRY_RUN in route.parameters:
        asked = request.query_params.get(DRY_RUN.name, "false")
        request.is_dry_run = bool(await _validate(_flag, asked, ("query", DRY_RUN.name), errors))
    argument = await _query_or_body(request, route, errors)
    if errors:
        raise RequestValidationError(errors)
    return () if route.takes is None else (argument,)


async def _query_or_body(request: ApiRequest, route: Route, errors: list[Any]) -> Any:
    model = route.takes
    if model is None:
        if route.reads_body:
            await request.json_bytes()
        return None
    if not route.reads_body:
        return await _validate(model, _query_of(request, model), ("query",), errors)
    if route.may_be_absent and await request.json_bytes() in _EMPTY_BODIES:
        return None
    try:
        body = await request.json()
    except ValueError as error:
        invalid = {"type": "json_invalid", "loc": ("body", 0), "ctx": {"error": str(error)}}
        raise RequestValidationError([invalid]) from None
    if body is None and not route.may_be_absent:
        errors.append(_MISSING)
    if body is None or (body == {} and route.may_be_absent):
        return None
    return await _validate(model, body, ("body",), errors)


def _id(name: str, value: str, errors: list[Any]) -> str:
    try:
        return _IDS[name](value)
    except PydanticCustomError as error:
        errors.append({"type": error.type, "loc": ("path", name), "msg": error.message()})
        return ""


def _query_of(request: ApiRequest, model: type[BaseModel]) -> dict[str, str]:
    """Return the parameters that belong to a field of `model`: `metadata.room` to `metadata`."""
    return {
        name: value
        for name, value in request.query_params.items()
        if name.partition(".")[0] in model.model_fields
    }


async def _validate(
    kind: type[BaseModel] | TypeAdapter[Any], value: Any, source: tuple[str, ...], errors: list[Any]
) -> Any:
    """Return `value` validated as `kind`, or add its first errors to `errors`."""
    try:
        if isinstance(kind, TypeAdapter):
            return kind.validate_python(value)
        context = kind.context_of(value) if issubclass(kind, Body) else None
        return kind.model_validate(value, context=context)
    except ValidationError as invalid:
        if invalid.error_count() > _MANY_ERRORS:
            await yield_to_event_loop()  # listing errors takes nearly as long as finding them
        found = first_errors(invalid)
        errors.extend({**error, "loc": (*source, *error["loc"])} for error in found)
        return None

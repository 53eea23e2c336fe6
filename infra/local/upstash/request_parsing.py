"""Parse the commands of HTTP requests: JSON in the body, or the segments of the path."""

import json
from typing import NoReturn
from urllib.parse import parse_qsl, unquote_to_bytes

from starlette.requests import Request

from infra.local.upstash.errors import Command, RequestError

TOKEN_PARAMETER = b"_token"
BODY_LIMIT_BYTES = 10 * 1024 * 1024


def path_of(request: Request) -> str:
    """Return the decoded path without the query."""
    return str(request.scope["path"])


def is_pipeline(request: Request) -> bool:
    """Whether the request is a pipeline."""
    return path_of(request) == "/pipeline"


def is_transaction(request: Request) -> bool:
    """Whether the request is a transaction."""
    return path_of(request) == "/multi-exec"


async def read_body(request: Request) -> bytes:
    """Read the whole body, even if it is too large. Raises `RequestError` (413) in that case."""
    size, pieces = 0, []
    async for piece in request.stream():
        size += len(piece)
        if size <= BODY_LIMIT_BYTES:
            pieces.append(piece)
    if size > BODY_LIMIT_BYTES:
        limits = f"Limit: {BODY_LIMIT_BYTES} bytes, Actual: {size} bytes"
        raise RequestError(413, f"ERR max request size exceeded. {limits}")
    return b"".join(pieces)


def parse_commands(request: Request, body: bytes) -> list[Command]:
    """Return the commands: one, unless it is a pipeline or transaction. Raises `RequestError`."""
    if is_pipeline(request) or is_transaction(request):
        return _parse_pipeline(body)
    if path_of(request) == "/":
        return [_command(_parse_array(body, "ERR failed to parse command"))]
    return [_command_in_path(request.scope["raw_path"], request.scope["query_string"], body)]


def _parse_pipeline(body: bytes) -> list[Command]:
    items = _parse_array(body, "ERR failed to parse pipeline request")
    if not items:
        raise RequestError(400, "ERR empty pipeline request")
    return [_command(item) for item in items]


def _command_in_path(path: bytes, query: bytes, body: bytes) -> Command:
    """Return the path's segments, followed by the body and the query parameters.

    A parameter without a value is a single argument: `/set/foo/bar?NX`.
    """
    words = [unquote_to_bytes(part) for part in path.removeprefix(b"/").split(b"/")]
    if body:
        words.append(body)
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name != TOKEN_PARAMETER:
            words += [name, value] if value else [name]
    return words


def _parse_array(body: bytes, error: str) -> list[object]:
    try:
        # Keep numbers as they were written: 1.50 must not become 1.5.
        parsed = json.loads(body, parse_int=str, parse_float=str, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        raise RequestError(400, error) from None
    if not isinstance(parsed, list):
        raise RequestError(400, error)
    return parsed


def _reject_constant(text: str) -> NoReturn:
    raise ValueError(text)


def _command(item: object) -> Command:
    if not isinstance(item, list):
        raise RequestError(400, "ERR failed to parse command: not an array")
    if not item:
        raise RequestError(400, "ERR empty command")
    return [_argument(part) for part in item]


def _argument(part: object) -> bytes:
    if isinstance(part, bool):
        return b"true" if part else b"false"
    if not isinstance(part, str):
        raise RequestError(
            400, "ERR failed to parse command: an argument is null, an array or object"
        )
    try:
        return part.encode()
    except UnicodeEncodeError:
        raise RequestError(400, "ERR failed to parse command: unpaired surrogate") from None

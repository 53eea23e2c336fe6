"""Commands out of HTTP requests: JSON in a body, or the words of a path."""

import json
from typing import NoReturn
from urllib.parse import parse_qsl, unquote_to_bytes

from starlette.requests import Request

from infra.local.upstash.refusals import Command, Refused

TOKEN_PARAMETER = b"_token"
BODY_LIMIT_BYTES = 10 * 1024 * 1024


def path_of(request: Request) -> str:
    """Its path, decoded, without the query."""
    return str(request.scope["path"])


def is_pipeline(request: Request) -> bool:
    """Whether it brings several commands, each for itself."""
    return path_of(request) == "/pipeline"


def is_transaction(request: Request) -> bool:
    """Whether it brings several commands to be run as one."""
    return path_of(request) == "/multi-exec"


async def body_of(request: Request) -> bytes:
    """The body, read to its end even where it is too large. Raises `Refused` for one that is."""
    size, pieces = 0, []
    async for piece in request.stream():
        size += len(piece)
        if size <= BODY_LIMIT_BYTES:
            pieces.append(piece)
    if size > BODY_LIMIT_BYTES:
        limits = f"Limit: {BODY_LIMIT_BYTES} bytes, Actual: {size} bytes"
        raise Refused(413, f"ERR max request size exceeded. {limits}")
    return b"".join(pieces)


def commands_of(request: Request, body: bytes) -> list[Command]:
    """What it asks for: one command, but for pipelines and transactions. Raises `Refused`."""
    if is_pipeline(request) or is_transaction(request):
        return _several(body)
    if path_of(request) == "/":
        return [_command(_parsed(body, "ERR failed to parse command"))]
    return [_spelt_by(request.scope["raw_path"], request.scope["query_string"], body)]


def _several(body: bytes) -> list[Command]:
    parsed = _parsed(body, "ERR failed to parse pipeline request")
    if not parsed:
        raise Refused(400, "ERR empty pipeline request")
    return [_command(item) for item in parsed]


def _spelt_by(path: bytes, query: bytes, body: bytes) -> Command:
    """The command that a path spells, with the body behind it, and the query behind that.

    A parameter without a value is a word of its own: `/set/foo/bar?NX`.
    """
    words = [unquote_to_bytes(part) for part in path.removeprefix(b"/").split(b"/")]
    if body:
        words.append(body)
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name != TOKEN_PARAMETER:
            words += [name, value] if value else [name]
    return words


def _parsed(body: bytes, complaint: str) -> list[object]:
    try:
        # Numbers stay as they were written: "1.50" must not become "1.5" on the way.
        parsed = json.loads(body, parse_int=str, parse_float=str, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refused(400, complaint) from None
    if not isinstance(parsed, list):
        raise Refused(400, complaint)
    return parsed


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _command(item: object) -> Command:
    if not isinstance(item, list):
        raise Refused(400, "ERR failed to parse command: it is not an array")
    if not item:
        raise Refused(400, "ERR empty command")
    return [_argument(part) for part in item]


def _argument(part: object) -> bytes:
    if isinstance(part, bool):
        return b"true" if part else b"false"
    if not isinstance(part, str):
        raise Refused(400, "ERR failed to parse command: null, array or object as an argument")
    try:
        return part.encode()
    except UnicodeEncodeError:
        raise Refused(400, "ERR failed to parse command: half a surrogate pair") from None

"""Read the bodies of broadcast requests, and refuse invalid ones as Realtime does."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from infra.local.realtime.messages import parse_json

_MOST_BODY_BYTES = 8_000_000
_MOST_PAYLOAD_BYTES = 256 * 1000 + 500
"""As on the free plan, in Erlang's external format."""

_BLANK = "can't be blank"
_INVALID = "is invalid"
_TOO_LARGE = "Payload size exceeds tenant limit"


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One message to a topic."""

    topic: str
    event: str
    payload: Any
    private: bool


class Refused(Exception):
    """The request is refused with `response`."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def refused(status: int, text: str) -> Refused:
    """Return the refusal with this status and message."""
    return Refused(JSONResponse({"message": text}, status))


async def batch_of(request: Request) -> list[Broadcast]:
    """Return the messages of a batch. Raises `Refused`."""
    body = await _json_of(request)
    messages = body.get("messages") if isinstance(body, dict) else None
    if not messages:
        raise _unprocessable([_BLANK])
    if not (isinstance(messages, list) and all(isinstance(one, dict) for one in messages)):
        raise _unprocessable([_INVALID])
    faults = [_faults(one) for one in messages]
    if any(faults):
        raise _unprocessable(faults)
    return [
        Broadcast(one["topic"], one["event"], one["payload"], one.get("private", False))
        for one in messages
    ]


async def single_of(request: Request) -> Broadcast:
    """Return the message of a request for one message. Raises `Refused`."""
    payload = await _json_of(request)
    parts = {"topic": request.path_params["topic"], "event": request.path_params["event"]}
    if faults := _faults(parts | {"payload": payload}):
        raise _unprocessable([faults])
    return Broadcast(
        **parts, payload=payload, private=request.query_params.get("private") == "true"
    )


def external_size(value: Any) -> int:
    """Return the bytes of a JSON value in Erlang's external term format, without the version."""
    match value:
        case None | bool():
            return 2 + len({None: "nil", True: "true", False: "false"}[value])
        case int():
            return 2 if 0 <= value < 256 else 5 if -(2**31) <= value < 2**31 else 11
        case float():
            return 9
        case str():
            return 5 + len(value.encode(errors="surrogatepass"))
        case list():
            return 1 if not value else 6 + sum(map(external_size, value))
        case _:
            return 5 + sum(external_size(k) + external_size(v) for k, v in value.items())


async def _json_of(request: Request) -> Any:
    body = await request.body()
    if len(body) > _MOST_BODY_BYTES:
        raise Refused(PlainTextResponse("Request Entity Too Large", 413))
    if "json" not in request.headers.get("content-type", ""):
        return {}  # the body isn't parsed, so the message is missing
    try:
        return parse_json(body)
    except (ValueError, RecursionError):
        raise Refused(PlainTextResponse("Bad Request", 400)) from None


def _faults(message: dict[str, Any]) -> dict[str, list[str]]:
    """Return what is wrong with a message, by field."""
    faults: dict[str, list[str]] = {}
    for name, kind in (("topic", str), ("event", str), ("payload", dict)):
        value = message.get(name)
        if value is None or value == "":
            faults[name] = [_BLANK]
        elif not isinstance(value, kind):
            faults[name] = [_INVALID]
    if not isinstance(message.get("private", False), bool):
        faults["private"] = [_INVALID]
    if not faults and external_size(message["payload"]) > _MOST_PAYLOAD_BYTES:
        faults["payload"] = [_TOO_LARGE]
    return faults


def _unprocessable(faults: list[Any]) -> Refused:
    return Refused(JSONResponse({"errors": {"messages": faults}}, 422))

"""Reading a body: JSON only, and only what we can write down again."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers

from shared.domain.errors import RuleViolation, Violation
from shared.errors import PayloadTooLarge, UnsupportedContentCoding, UnsupportedMediaType
from shared.http import strict_json
from shared.slices import LARGE_BYTES, next_slice

MAX_BODY_BYTES = 1024 * 1024
_MOST_DIGITS = 15


class JsonRequest(Request):
    """A request with a bounded body, parsed strictly (RFC 8259: no NaN, no lone surrogates)."""

    async def body(self) -> bytes:
        """All of the body.

        Raises `PayloadTooLarge` as soon as it is known to be, and `RuleViolation` for a
        `Content-Length` that is no number.
        """
        if not hasattr(self, "_body"):
            if _length_in(self.headers) > MAX_BODY_BYTES:
                raise PayloadTooLarge
            received = bytearray()
            async for chunk in self.stream():
                received += chunk
                if len(received) > MAX_BODY_BYTES:
                    raise PayloadTooLarge
            self._body = bytes(received)
        return self._body

    async def json(self) -> Any:
        """The body's value. Raises `JSONDecodeError`, which FastAPI answers as invalid input."""
        body = await self.body()
        if len(body) > LARGE_BYTES:
            await next_slice()
        try:
            value = strict_json.parse(body)
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from error
        if len(body) > LARGE_BYTES:
            await next_slice()  # its validation takes as long again
        return value


class JsonRoute(APIRoute):
    """A route that reads JSON and refuses any other kind of body (415).

    A body that comes without a content type is taken for what it must be.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        options["strict_content_type"] = False
        super().__init__(*args, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, on a `JsonRequest`."""
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            request = JsonRequest(request.scope, request.receive)
            if await request.body():
                _check_form(request.headers)
            return await handle(request)

        return handle_json


def _length_in(headers: Headers) -> int:
    """The bytes that `Content-Length` announces, 0 where there is none (RFC 9110 §8.6)."""
    said = headers.get("content-length", "0")
    if not (said.isascii() and said.isdecimal()):
        raise RuleViolation(Violation("content-length", "must be a number of bytes", "invalid"))
    return int(said) if len(said) <= _MOST_DIGITS else MAX_BODY_BYTES + 1


def _check_form(headers: Headers) -> None:
    """Refuse a body that is encoded, or something other than JSON.

    Raises `UnsupportedContentCoding` and `UnsupportedMediaType`.
    """
    coding = headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity"):
        raise UnsupportedContentCoding
    content_type = headers.get("content-type")
    if content_type and not _is_json(content_type):
        raise UnsupportedMediaType


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type.startswith("application/") and media_type.endswith(("/json", "+json"))

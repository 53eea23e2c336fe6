"""One HTTP request: its body and header fields, and the caller and right that were found."""

import re
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope

from shared.access.allowance import Allowance
from shared.access.callers import Caller
from shared.access.permits import Permit
from shared.domain.errors import RuleViolation, Violation
from shared.domain.session import Session
from shared.domain.units import Instant
from shared.errors import PayloadTooLarge, UnsupportedContentCoding, UnsupportedMediaType
from shared.http import strict_json
from shared.http.parts import Parts
from shared.http.routing import Route
from shared.slices import LARGE_BYTES, next_slice

MAX_BODY_BYTES = 1024 * 1024
_MOST_DIGITS = 15
_ACCEPTABLE_ID = re.compile(rb"[\x21-\x7e]{1,128}")


class HeaderFields(Headers):
    """Starlette's header fields of a request, found by name at once: ten of them are asked for."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope=scope)
        # The first of a name counts, as in Starlette.
        self._first = {name.decode("latin-1"): value for name, value in reversed(self._list)}

    def __getitem__(self, key: str) -> str:
        return self._first[key.lower()].decode("latin-1")

    def __contains__(self, key: Any) -> bool:
        return key.lower() in self._first

    def get(self, key: str, default: Any = None) -> Any:
        """The value of the field, or `default` where the request has no such field."""
        value = self._first.get(key.lower())
        return default if value is None else value.decode("latin-1")

    def getlist(self, key: str) -> list[str]:
        """All values of the field, in the order in which they came."""
        return super().getlist(key) if key in self else []


class Call(Request):
    """A request, and the `parts` of the instance that serve it.

    The pipeline sets `route` once it is found, `caller`, `allowance` and `permit` one after the
    other where the route requires a right, and the ids when it has parsed the path.
    """

    route: Route | None = None
    caller: Caller | None = None
    allowance: Allowance | None = None
    permit: Permit
    session_id: str = ""
    participant_id: str = ""

    def __init__(self, scope: Scope, receive: Receive, parts: Parts) -> None:
        super().__init__(scope, receive)
        self._headers = HeaderFields(scope)
        self.parts = parts
        self.request_id = request_id_in(scope["headers"])
        self._content: bytes | None = None

    @property
    def idempotency_key(self) -> str | None:
        """The `Idempotency-Key` that the client sent, if any."""
        return self.headers.get("idempotency-key")

    @property
    def is_head(self) -> bool:
        """Whether the client wants no body, so that an endless one need not begin."""
        return self.method == "HEAD"

    async def read_session(self) -> tuple[Session, Instant]:
        """The session in the address and the instant at which it was read.

        Raises `SessionNotFound` and `StoreUnavailable`.
        """
        return await self.parts.service.read(self.permit, self.session_id)

    async def body(self) -> bytes:
        """All of the body, at most 1 MiB.

        Raises `PayloadTooLarge` as soon as it is known to be larger, `RuleViolation` for a
        `Content-Length` that is no number, and `ClientDisconnect`.
        """
        if self._content is None:
            if _length_in(self.headers) > MAX_BODY_BYTES:
                raise PayloadTooLarge
            content, has_more = await self._next_part()
            if has_more:
                received = bytearray(content)  # many small parts are not copied each time
                while has_more:
                    part, has_more = await self._next_part()
                    received += part
                    if len(received) > MAX_BODY_BYTES:
                        raise PayloadTooLarge
                content = bytes(received)
            self._content = content
        return self._content

    async def checked_body(self) -> bytes:
        """The body, which is JSON as far as its header fields tell.

        Raises what `body` raises, and `UnsupportedMediaType` or `UnsupportedContentCoding`.
        """
        content = await self.body()
        if content:
            _check_form(self.headers)
        return content

    async def json(self) -> Any:
        """The value that the body holds (RFC 8259), None where there is no body.

        Raises what `checked_body` raises, and `ValueError`, which says what is wrong.
        """
        content = await self.checked_body()
        if not content:
            return None
        if len(content) > LARGE_BYTES:
            await next_slice()
        value = strict_json.parse(content)
        if len(content) > LARGE_BYTES:
            await next_slice()  # its validation takes as long again
        return value

    async def _next_part(self) -> tuple[bytes, bool]:
        """The next part of the body, and whether more of it follows. Raises `ClientDisconnect`."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        return message.get("body", b""), message.get("more_body", False)


def request_id_in(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The id that the client gave its request, where it is 1 to 128 visible ASCII characters, or a
    fresh one."""
    for name, value in headers:
        if name == b"x-request-id" and _ACCEPTABLE_ID.fullmatch(value):
            return value.decode("ascii")
    return str(uuid4())


def _length_in(headers: Headers) -> int:
    """The bytes that `Content-Length` announces, 0 where there is none (RFC 9110 section 8.6)."""
    said = headers.get("content-length", "0")
    if not (said.isascii() and said.isdecimal()):
        raise RuleViolation(Violation("content-length", "must be a number of bytes", "invalid"))
    return int(said) if len(said) <= _MOST_DIGITS else MAX_BODY_BYTES + 1


def _check_form(headers: Headers) -> None:
    """Refuse a body that is encoded, or something other than JSON.

    A body without a content type is taken for JSON. Raises `UnsupportedContentCoding` and
    `UnsupportedMediaType`.
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

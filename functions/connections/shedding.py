"""Refusing requests that an overloaded instance can't answer in time, before they cost anything."""

import re
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Final
from uuid import uuid4

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from functions.connections.admission import Admission
from shared.http.call import request_id_in

_MOST_DROPPED_BYTES: Final = 65_536
"""A body that is dropped is read up to this size; a larger one ends its connection."""

_OVERLOADED: Final = (
    b'{"error":{"code":"STORE_UNAVAILABLE",'
    b'"message":"Too many requests are being served right now; try again shortly",'
    b'"request_id":"%b"}}'
)
_ID: Final = b"00000000-0000-0000-0000-000000000000"

_PLAIN: Final = re.compile(rb"[A-Z]+ (/[^ ?\r\n]*)[^ \r\n]* HTTP/1\.1\r\n(?:[^\r\n]+\r\n)+\r\n")
"""One whole request without a body, and nothing behind it."""

_HAS_RULES: Final = re.compile(
    rb"\n(?:content-length:(?! ?0\r)|connection:(?! ?keep-alive\r)"
    rb"|transfer-encoding|upgrade|expect|origin|x-request-id)",
    re.IGNORECASE,
)
"""Headers that the refusal depends on, or that announce a body."""


class _Refused:
    """Stands for a request that was answered without being served."""

    response_started = response_complete = True
    keep_alive = disconnected = False

    class message_event:  # noqa: N801 # as uvicorn's
        """Nothing waits for the body."""

        @staticmethod
        def set() -> None:
            """There is nothing to wake."""


class Shedding(HttpToolsProtocol):
    """uvicorn's connection, which refuses what the `admission` of its server doesn't admit."""

    admission = Admission()
    """Shared by all connections of a server."""

    cors_origins: Sequence[str] = ()
    """Origins whose pages may read a refusal."""

    is_last = False
    """Whether a connection ends with the answer to its next request, for the server is leaving."""

    _is_shed = False

    def shed_unread(self, data: bytes) -> bool:
        """Refuse the request that `data` is, without parsing it; returns whether that was done.

        Only for a plain request on an idle connection of an overloaded server. It costs half of
        what parsing the request would.
        """
        is_idle = self.cycle is None or self.cycle.response_complete
        if not self.admission.is_strained or not is_idle or self.pipeline or self.is_last:
            return False
        plain = _PLAIN.fullmatch(data)
        if plain is None or _HAS_RULES.search(data) or self.admission.admits(plain[1], self.loop):
            return False
        request_id = str(uuid4()).encode()
        self.transport.write(_plain_refusal(self.server_state.default_headers, request_id))
        if self.timeout_keep_alive_task is None:
            self.cycle = _Refused()  # type: ignore[assignment] # all that uvicorn asks of one
            self.on_response_complete()
        return True

    def on_headers_complete(self) -> None:
        """The head of a request is there: serve it, or refuse it."""
        is_socket = self.parser.should_upgrade() and self._should_upgrade()
        path = self.url.partition(b"?")[0]
        self._is_shed = not is_socket and not self.admission.admits(path, self.loop)
        if not self._is_shed:
            super().on_headers_complete()
        elif self.cycle is None or self.cycle.response_complete:
            self._refuse_now()
        else:
            # Behind a request that is still being answered the refusal must wait for its turn.
            refusal = self._readable_refusal()
            serve, self.app = self.app, partial(_refuse_in_turn, refusal)
            super().on_headers_complete()
            self.app = serve

    def on_message_complete(self) -> None:
        """The request has come whole."""
        super().on_message_complete()
        if not self._is_shed and self.cycle is not None and not self.cycle.response_started:
            self.admission.began(self.cycle)

    def on_response_complete(self) -> None:
        """An answer is complete."""
        if self.cycle is not None:
            self.admission.ended(self.cycle)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has left, or its connection was closed."""
        if self.cycle is not None:
            self.admission.ended(self.cycle)
        super().connection_lost(exc)

    def _refuse_now(self) -> None:
        """Refuse a request before anything is made for it; its body is read and dropped."""
        headers, body = self._readable_refusal()
        keeps = self.parser.should_keep_alive() and not self.expect_100_continue
        ends = self.is_last or not keeps or _body_bytes(self.headers) > _MOST_DROPPED_BYTES
        if ends:
            headers.append((b"connection", b"close"))
        self.transport.write(_written(headers, body))
        self.cycle = _Refused()  # type: ignore[assignment] # all that uvicorn asks of one
        if ends:
            self.transport.close()
        self.on_response_complete()

    def _readable_refusal(self) -> tuple[list[tuple[bytes, bytes]], bytes]:
        """The refusal of the request that was parsed; pages of `cors_origins` may read it."""
        headers, body = _refusal(
            self.server_state.default_headers, request_id_in(self.headers).encode()
        )
        if self.cors_origins:
            headers += _cors(self.headers, self.cors_origins)
        return headers, body


def _refusal(
    default_headers: Sequence[tuple[bytes, bytes]], request_id: bytes
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The headers and the body of a refusal, as every error has them."""
    body = _OVERLOADED % request_id
    headers = [
        *default_headers,
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"retry-after", b"1"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id),
    ]
    return headers, body


def _plain_refusal(default_headers: Sequence[tuple[bytes, bytes]], request_id: bytes) -> bytes:
    """The whole refusal with a `request_id` of ours, which is always as long."""
    return _template(tuple(default_headers)).replace(_ID, request_id)


@lru_cache(maxsize=1)
def _template(default_headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The refusal with a placeholder for the id; the `Date` in the headers changes every second."""
    return _written(*_refusal(default_headers, _ID))


def _written(headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bytes:
    lines = b"".join([b"%b: %b\r\n" % pair for pair in headers])
    return STATUS_LINE[503] + lines + b"\r\n" + body


async def _refuse_in_turn(
    refusal: tuple[list[tuple[bytes, bytes]], bytes], _: Scope, __: Receive, send: Send
) -> None:
    """Answer with `refusal`, as an application does."""
    headers, body = refusal
    own = [pair for pair in headers if pair[0] not in (b"date", b"server")]
    await send({"type": "http.response.start", "status": 503, "headers": own})
    await send({"type": "http.response.body", "body": body})


def _body_bytes(headers: Sequence[tuple[bytes, bytes]]) -> int:
    """The length of the body that comes with `headers`; more than is dropped if it isn't told."""
    for name, value in headers:
        if name == b"transfer-encoding":
            return _MOST_DROPPED_BYTES + 1
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _cors(
    headers: Sequence[tuple[bytes, bytes]], origins: Sequence[str]
) -> list[tuple[bytes, bytes]]:
    """Headers that let a page read the refusal (Fetch standard, CORS protocol)."""
    origin = next((value for name, value in headers if name == b"origin"), b"")
    if not origin or not ("*" in origins or origin.decode("latin-1") in origins):
        return []
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", b"Retry-After, X-Request-Id"),
        (b"vary", b"Origin"),
    ]

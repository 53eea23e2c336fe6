"""HTTP/1.1 connections: a request comes whole, in time and of a bounded size, or not at all."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Final
from uuid import uuid4

import msgspec
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from functions.connections.admission import Admission
from functions.connections.watched import Watched
from shared.http.intake import request_id_in

_SLICE: Final = 8_192
_MAX_HEAD_BYTES: Final = 24_576
"""Lines and headers of a request, give or take a slice."""
_MOST_PIPELINED: Final = 16
_HOST: Final = re.compile(
    rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]{0,5})?"
)
"""RFC 3986 section 3.2.2 and 3.2.3."""


_MOST_DROPPED_BYTES: Final = 65_536
"""What is read of a body that nobody will look at; a larger one ends its connection."""

_OVERLOADED: Final = (
    b'{"error":{"code":"STORE_UNAVAILABLE",'
    b'"message":"Too many requests are being served right now; try again shortly",'
    b'"request_id":"%b"}}'
)


class _Done:
    """In place of a request that was answered without being served."""

    response_started = response_complete = True
    keep_alive = disconnected = False

    class message_event:  # noqa: N801 # as uvicorn's
        """Nothing waits for the body."""

        @staticmethod
        def set() -> None:
            """There is nothing to wake."""


class HttpConnection(Watched, HttpToolsProtocol):
    """uvicorn's, which by itself waits for a client as long as that likes.

    The head of a request must come within `timeout_s` of its first byte, and the body within as
    long again. An idle connection ends when uvicorn's keep-alive does.
    """

    is_last = False
    """Whether a connection ends with the answer to its next request, for the server is leaving."""

    admission = Admission()
    """Shared by all connections of a server."""

    cors_origins: Sequence[str] = ()
    """Whose pages may read a refusal."""

    _fault = ""
    _awaits_head = True
    _head_bytes = 0
    _is_shed = False

    def data_received(self, data: bytes) -> None:
        """Read on, in slices where there is much: what is too much is noticed before it is kept."""
        if self._due is None:
            self._due = self.loop.time() + self.timeout_s
        if len(data) <= _SLICE:
            self._read(data)
            return
        for start in range(0, len(data), _SLICE):
            if self.transport.is_closing() or self.transport.get_protocol() is not self:
                return
            self._read(data[start : start + _SLICE])

    def _read(self, data: bytes) -> None:
        super().data_received(data)
        if self._awaits_head:
            self._head_bytes += len(data)
            if self._head_bytes > _MAX_HEAD_BYTES:
                self._refuse(431, "REQUEST_HEADER_FIELDS_TOO_LARGE", "The headers are too large")
        if len(self.pipeline) > _MOST_PIPELINED:
            self.transport.close()

    def on_headers_complete(self) -> None:
        """The head is there: now the body's time runs.

        Raises `ValueError` for a head without one good `Host`, which the parser turns into a 400.
        """
        self._require_host()
        self._awaits_head = False
        self._head_bytes = 0
        if self._due is not None:
            self._due += self.timeout_s
        is_socket = self.parser.should_upgrade() and self._should_upgrade()
        path = self.url.partition(b"?")[0]
        self._is_shed = not is_socket and not self.admission.admits(path, self.loop)
        if self._is_shed and (self.cycle is None or self.cycle.response_complete):
            self._shed()
            return
        if self._is_shed:
            # Behind a request that is still being answered the refusal must wait for its turn.
            serve, self.app = self.app, partial(_refuse, self._refusal())
            super().on_headers_complete()
            self.app = serve
        else:
            super().on_headers_complete()
        if self.is_last:
            self.end_with_answer()

    def _shed(self) -> None:
        """Refuse a request before anything is made for it; its body is read and dropped."""
        headers, body = self._refusal()
        keeps = self.parser.should_keep_alive() and not self.expect_100_continue
        ends = self.is_last or not keeps or _body_bytes(self.headers) > _MOST_DROPPED_BYTES
        if ends:
            headers.append((b"connection", b"close"))
        lines = b"".join(b"%b: %b\r\n" % pair for pair in headers)
        self.transport.write(STATUS_LINE[503] + lines + b"\r\n" + body)
        self.cycle = _Done()  # type: ignore[assignment] # all that uvicorn asks of one
        if ends:
            self.transport.close()
        self.on_response_complete()

    def _refusal(self) -> tuple[list[tuple[bytes, bytes]], bytes]:
        """The headers and the body of a refusal, as every error has them."""
        request_id = request_id_in(self.headers)
        body = _OVERLOADED % request_id.encode()
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"retry-after", b"1"),
            (b"x-content-type-options", b"nosniff"),
            (b"x-request-id", request_id.encode()),
        ]
        if self.cors_origins:
            headers += _cors(self.headers, self.cors_origins)
        return headers, body

    def on_response_complete(self) -> None:
        """An answer is complete."""
        if self.cycle is not None:
            self.admission.ended(self.cycle)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has left, or was left."""
        if self.cycle is not None:
            self.admission.ended(self.cycle)
        super().connection_lost(exc)

    def end_with_answer(self) -> None:
        """Close behind the answer that is being made, and say so in it.

        An idle connection is left open: a request may be on its way, and would be lost.
        """
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """The request is there: now it's our turn, unless it was answered before it was."""
        super().on_message_complete()
        if not self._is_shed and self.cycle is not None and not self.cycle.response_started:
            self.admission.began(self.cycle)
        self._awaits_head = True
        is_answered = self.cycle is not None and self.cycle.response_complete
        self._due = self.loop.time() + self.timeout_s if is_answered else None

    def handle_websocket_upgrade(self) -> None:
        """From here on the connection is another protocol's."""
        self._unwatch()
        super().handle_websocket_upgrade()

    def _unsupported_upgrade_warning(self) -> None:
        """Answer without it, and say nothing: anybody could fill the log."""

    def send_400_response(self, msg: str) -> None:
        """Say that this is no HTTP, or what is wrong with its `Host`."""
        self._refuse(400, "VALIDATION_ERROR", self._fault or msg.rstrip("."))

    def _require_host(self) -> None:
        """RFC 9112 section 3.2: a request has one `Host`; before HTTP/1.1 it may have none."""
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            self._fault = "The request must have exactly one Host header"
        elif hosts and not _HOST.fullmatch(hosts[0]):
            self._fault = (
                "The Host header must be a host name or an address, with or without a port"
            )
        if self._fault:
            raise ValueError(self._fault)

    def _give_up(self) -> None:
        if self._awaits_head:
            self.transport.close()
        else:
            self._refuse(408, "REQUEST_TIMEOUT", "The body took too long to arrive")

    def _refuse(self, status: int, code: str, message: str) -> None:
        """The answer to what never becomes a request, and the end."""
        error = {"code": code, "message": message, "request_id": str(uuid4())}
        body = msgspec.json.encode({"error": error})
        headers = {
            b"content-type": b"application/json",
            b"content-length": b"%d" % len(body),
            b"cache-control": b"no-store",
            b"x-content-type-options": b"nosniff",
            b"x-request-id": error["request_id"].encode(),
            b"connection": b"close",
        }
        lines = b"".join(b"%b: %b\r\n" % pair for pair in headers.items())
        if not self._is_answering:
            self.transport.write(STATUS_LINE[status] + lines + b"\r\n" + body)
        self.transport.close()

    @property
    def _is_answering(self) -> bool:
        cycle = self.cycle
        return cycle is not None and cycle.response_started and not cycle.response_complete


async def _refuse(
    refusal: tuple[list[tuple[bytes, bytes]], bytes], _: Scope, __: Receive, send: Send
) -> None:
    headers, body = refusal
    own = [pair for pair in headers if pair[0] not in (b"date", b"server")]
    await send({"type": "http.response.start", "status": 503, "headers": own})
    await send({"type": "http.response.body", "body": body})


def _body_bytes(headers: Sequence[tuple[bytes, bytes]]) -> int:
    """The length of the body that comes with `headers`, at most; one byte too many where none is
    said but some will come."""
    for name, value in headers:
        if name == b"transfer-encoding":
            return _MOST_DROPPED_BYTES + 1
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _cors(
    headers: Sequence[tuple[bytes, bytes]], origins: Sequence[str]
) -> list[tuple[bytes, bytes]]:
    """What lets a page read the refusal (Fetch standard, CORS protocol)."""
    origin = next((value for name, value in headers if name == b"origin"), b"")
    if not origin or not ("*" in origins or origin.decode("latin-1") in origins):
        return []
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", b"Retry-After, X-Request-Id"),
        (b"vary", b"Origin"),
    ]

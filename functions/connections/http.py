"""HTTP/1.1 connections: a request comes whole, in time and of a bounded size, or not at all."""

import re
from typing import Final
from uuid import uuid4

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from functions.connections.shedding import Shedding
from functions.connections.watched import Watched

_SLICE: Final = 8_192
_MAX_HEAD_BYTES: Final = 24_576
"""Lines and headers of a request, give or take a slice."""
_MOST_PIPELINED: Final = 16
_HOST: Final = re.compile(
    rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]{0,5})?"
)
"""RFC 3986 section 3.2.2 and 3.2.3."""


class HttpConnection(Watched, Shedding):
    """uvicorn's, which by itself waits for a client as long as that likes.

    The head of a request must come within `timeout_s` of its first byte, and the body within as
    long again. An idle connection ends when uvicorn's keep-alive does.
    """

    _fault = ""
    _awaits_head = True
    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Read on, in slices where there is much: what is too much is noticed before it is kept."""
        if self._due is None:
            self._due = self.loop.time() + self.timeout_s
        if self.shed_unread(data):
            self._due = None
            return
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
        super().on_headers_complete()
        if self.is_last:
            self.end_with_answer()

    def end_with_answer(self) -> None:
        """Close behind the answer that is being made, and say so in it.

        An idle connection is left open: a request may be on its way, and would be lost.
        """
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """The request is there: now it's our turn, unless it was answered before it was."""
        super().on_message_complete()
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

"""HTTP/1.1 connections with limits on the time and size of requests."""

import re
from typing import Final

import msgspec

from functions.container.connections.load_shedding import (
    LoadSheddingProtocol,
    error_headers,
    serialize_response,
)
from functions.container.connections.timeouts import TimeoutProtocol
from shared.http.request import new_request_id

_SLICE: Final = 8_192
_MAX_HEAD_BYTES: Final = 24_576
"""Limit of request line and headers together; it may be exceeded by less than `_SLICE`."""
_MOST_PIPELINED: Final = 16
_HOST: Final = re.compile(
    rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]{0,5})?"
)
"""A host and an optional port (RFC 3986 sections 3.2.2 and 3.2.3)."""


class HttpConnection(TimeoutProtocol, LoadSheddingProtocol):
    """uvicorn's HTTP connection with timeouts for slow clients; uvicorn has none.

    The head of a request must arrive within `timeout_s` of its first byte, the body within another
    `timeout_s`. An idle connection ends with uvicorn's keep-alive timeout.
    """

    _host_error = ""
    _awaits_head = True
    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Parse in slices, so that a size limit applies before all of `data` is buffered."""
        if self._due is None:
            self._due = self.loop.time() + self.timeout_s
        if self.shed_unparsed(data):
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
        """Start the timeout of the body.

        Raises `ValueError` unless there is one valid `Host`; the parser answers it with 400.
        """
        self._require_host()
        self._awaits_head = False
        self._head_bytes = 0
        if self._due is not None:
            self._due += self.timeout_s
        super().on_headers_complete()
        if self.is_last:
            self.close_after_response()

    def close_after_response(self) -> None:
        """Close after the response in progress, and announce it there (`Connection: close`).

        An idle connection stays open: a request may be on its way and would be lost.
        """
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """Stop the client's timeout while the server answers.

        If the response is already complete, start the timeout for the next request.
        """
        super().on_message_complete()
        self._awaits_head = True
        is_answered = self.cycle is not None and self.cycle.response_complete
        self._due = self.loop.time() + self.timeout_s if is_answered else None

    def handle_websocket_upgrade(self) -> None:
        """Stop all timers; the WebSocket protocol takes over the connection."""
        self._unwatch()
        super().handle_websocket_upgrade()

    def _unsupported_upgrade_warning(self) -> None:
        """Log nothing: any client could fill the log. The upgrade is ignored."""

    def send_400_response(self, msg: str) -> None:
        """Answer a malformed request, or one with a wrong `Host`."""
        self._refuse(400, "VALIDATION_ERROR", self._host_error or msg.rstrip("."))

    def _require_host(self) -> None:
        """Require one `Host` header, which only HTTP/1.0 may omit (RFC 9112 section 3.2)."""
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            self._host_error = "The request must have exactly one Host header"
        elif hosts and not _HOST.fullmatch(hosts[0]):
            self._host_error = (
                "The Host header must be a host name or an address, with or without a port"
            )
        if self._host_error:
            raise ValueError(self._host_error)

    def _give_up(self) -> None:
        if self._awaits_head:
            self.transport.close()
        else:
            self._refuse(408, "REQUEST_TIMEOUT", "The body took too long to arrive")

    def _refuse(self, status: int, code: str, message: str) -> None:
        error = {"code": code, "message": message, "request_id": new_request_id()}
        body = msgspec.json.encode({"error": error})
        headers = [*error_headers(body, error["request_id"].encode()), (b"connection", b"close")]
        if not self._is_answering:
            self.transport.write(serialize_response(status, headers, body))
        self.transport.close()

    @property
    def _is_answering(self) -> bool:
        cycle = self.cycle
        return cycle is not None and cycle.response_started and not cycle.response_complete

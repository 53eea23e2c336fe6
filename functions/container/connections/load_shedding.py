"""Load shedding: refuse requests of an overloaded instance at the lowest possible cost."""

import re
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Final

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from functions.container.connections.admission import AdmissionControl
from shared.http.request import new_request_id, request_id_in

_MAX_DISCARDED_BYTES: Final = 65_536
"""The body of a refused request is read and discarded up to this size; a larger one closes the
connection."""

_OVERLOADED: Final = (
    b'{"error":{"code":"STORE_UNAVAILABLE",'
    b'"message":"Too many requests are being served right now; try again shortly",'
    b'"request_id":"%b"}}'
)
_ID: Final = b"0" * len(new_request_id())

_PLAIN: Final = re.compile(
    rb"[A-Z]++ (/[^ ?\r\n]*+)[^ \r\n]*+ HTTP/1\.1\r\n(?:[^\r\n]++\r\n)++\r\n"
)
"""Exactly one complete request without a body.

Its quantifiers never give back what they matched (`++`, `*+`), so the time grows only linearly with
the size of the data. Otherwise one long path would block the instance for minutes.
"""

_SPECIAL_HEADERS: Final = re.compile(
    rb"\n(?:content-length:(?! ?0\r)|connection:(?! ?keep-alive\r)"
    rb"|transfer-encoding|upgrade|expect|origin|x-request-id)",
    re.IGNORECASE,
)
"""Headers that change the refusal or announce a body."""


class _RefusedCycle:
    """The request cycle of a refused request, for uvicorn."""

    response_started = response_complete = True
    keep_alive = disconnected = False

    class message_event:  # noqa: N801 # as uvicorn's
        """An event without waiters, because the body is discarded."""

        @staticmethod
        def set() -> None:
            """Do nothing."""


class LoadSheddingProtocol(HttpToolsProtocol):
    """uvicorn's HTTP connection that refuses requests which `admission` doesn't admit."""

    admission = AdmissionControl()
    """Shared by all connections of a server."""

    cors_origins: Sequence[str] = ()
    """Origins whose pages may read a refusal (CORS)."""

    is_last = False
    """Whether each response closes its connection because the server is draining."""

    _is_shed = False

    def shed_unparsed(self, data: bytes) -> bool:
        """Refuse the request in `data` without parsing it; return whether it was refused.

        Only a plain request on an idle connection of an overloaded server is refused here, at half
        the cost of parsing it.
        """
        is_idle = self.cycle is None or self.cycle.response_complete
        if not self.admission.is_overloaded or not is_idle or self.pipeline or self.is_last:
            return False
        plain = _PLAIN.fullmatch(data)
        if (
            plain is None
            or _SPECIAL_HEADERS.search(data)
            or self.admission.admits(plain[1], self.loop)
        ):
            return False
        request_id = new_request_id().encode()
        self.transport.write(_plain_refusal(self.server_state.default_headers, request_id))
        if self.timeout_keep_alive_task is None:
            self.cycle = _RefusedCycle()  # type: ignore[assignment] # has all that uvicorn uses
            self.on_response_complete()
        return True

    def on_headers_complete(self) -> None:
        """Serve or refuse the request whose head has arrived."""
        is_socket = self.parser.should_upgrade() and self._should_upgrade()
        path = self.url.partition(b"?")[0]
        self._is_shed = not is_socket and not self.admission.admits(path, self.loop)
        if not self._is_shed:
            super().on_headers_complete()
        elif self.cycle is None or self.cycle.response_complete:
            self._refuse_now()
        else:
            # Pipelined: the refusal must wait for the response in progress.
            refusal = self._refusal_with_cors()
            serve, self.app = self.app, partial(_refusing_app, refusal)
            super().on_headers_complete()
            self.app = serve

    def on_message_complete(self) -> None:
        """Register a complete request as in progress."""
        super().on_message_complete()
        if not self._is_shed and self.cycle is not None and not self.cycle.response_started:
            self.admission.began(self.cycle)

    def on_response_complete(self) -> None:
        """Unregister the request that was answered."""
        if self.cycle is not None:
            self.admission.ended(self.cycle)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Unregister the request in progress, if any."""
        if self.cycle is not None:
            self.admission.ended(self.cycle)
        super().connection_lost(exc)

    def _refuse_now(self) -> None:
        """Refuse a request without a uvicorn request cycle; its body is read and discarded."""
        headers, body = self._refusal_with_cors()
        keeps = self.parser.should_keep_alive() and not self.expect_100_continue
        closes = self.is_last or not keeps or _body_bytes(self.headers) > _MAX_DISCARDED_BYTES
        if closes:
            headers.append((b"connection", b"close"))
        self.transport.write(serialize_response(503, headers, body))
        self.cycle = _RefusedCycle()  # type: ignore[assignment] # has all that uvicorn uses
        if closes:
            self.transport.close()
        self.on_response_complete()

    def _refusal_with_cors(self) -> tuple[list[tuple[bytes, bytes]], bytes]:
        headers, body = _refusal(
            self.server_state.default_headers, request_id_in(self.headers).encode()
        )
        if self.cors_origins:
            headers += _cors(self.headers, self.cors_origins)
        return headers, body


def _refusal(
    default_headers: Sequence[tuple[bytes, bytes]], request_id: bytes
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return the headers and the body of a refusal, in the form of every error response."""
    body = _OVERLOADED % request_id
    return [*default_headers, (b"retry-after", b"1"), *error_headers(body, request_id)], body


def error_headers(body: bytes, request_id: bytes) -> list[tuple[bytes, bytes]]:
    """Return the header fields of every error response."""
    return [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id),
    ]


def _plain_refusal(default_headers: Sequence[tuple[bytes, bytes]], request_id: bytes) -> bytes:
    """Return a serialized refusal. `request_id` must be as long as `_ID`."""
    return _template(tuple(default_headers)).replace(_ID, request_id)


@lru_cache(maxsize=1)
def _template(default_headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return the refusal with a placeholder for the id.

    Only one is cached: the `Date` in `default_headers` changes every second.
    """
    return serialize_response(503, *_refusal(default_headers, _ID))


def serialize_response(status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bytes:
    """Return a whole HTTP/1.1 response."""
    lines = b"".join([b"%b: %b\r\n" % pair for pair in headers])
    return STATUS_LINE[status] + lines + b"\r\n" + body


async def _refusing_app(
    refusal: tuple[list[tuple[bytes, bytes]], bytes], _: Scope, __: Receive, send: Send
) -> None:
    """An ASGI application that answers with `refusal`."""
    headers, body = refusal
    own = [pair for pair in headers if pair[0] not in (b"date", b"server")]
    await send({"type": "http.response.start", "status": 503, "headers": own})
    await send({"type": "http.response.body", "body": body})


def _body_bytes(headers: Sequence[tuple[bytes, bytes]]) -> int:
    """Return the body's length; more than the limit if `headers` don't tell it."""
    for name, value in headers:
        if name == b"transfer-encoding":
            return _MAX_DISCARDED_BYTES + 1
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _cors(
    headers: Sequence[tuple[bytes, bytes]], origins: Sequence[str]
) -> list[tuple[bytes, bytes]]:
    """Return the headers that let a page read the refusal (Fetch standard, CORS protocol)."""
    origin = next((value for name, value in headers if name == b"origin"), b"")
    if not origin or not ("*" in origins or origin.decode("latin-1") in origins):
        return []
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", b"Retry-After, X-Request-Id"),
        (b"vary", b"Origin"),
    ]

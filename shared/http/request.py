"""One HTTP request, with its caller and authorization, and the components that serve it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from os import urandom
from typing import Any, Protocol

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope

from shared.application.api_key_service import ApiKeyService
from shared.application.authorization import Authorization, Caller
from shared.application.errors import (
    PayloadTooLarge,
    UnsupportedContentCoding,
    UnsupportedMediaType,
)
from shared.application.event_loop import LARGE_BYTES, yield_to_event_loop
from shared.application.history import AuditHistory
from shared.application.join_service import JoinService
from shared.application.ports.metrics import Metrics
from shared.application.ports.presence import PresenceStore
from shared.application.ports.session_store import SessionStore
from shared.application.ports.token_revocations import TokenRevocations
from shared.application.readiness import Readiness
from shared.application.session_list import SessionList
from shared.application.session_service import SessionService
from shared.application.store_clock import StoreClock
from shared.application.webhook_service import WebhookService
from shared.auth.rate_limits import RequestRateLimit
from shared.domain.errors import RuleViolation, Violation
from shared.domain.session import Session
from shared.domain.units import Instant
from shared.http import strict_json
from shared.http.access_control import AccessControl
from shared.http.routing import Route

MAX_BODY_BYTES = 1024 * 1024
_MAX_DIGITS = 15
_ACCEPTABLE_ID = re.compile(rb"[\x21-\x7e]{1,128}")


class Subscriptions(Protocol):
    """A transport by which clients follow sessions."""

    @property
    def origins(self) -> tuple[str, ...]:
        """Origins other than this service that a page must be allowed to connect to."""

    def of(self, request: "ApiRequest", *, with_presence: bool) -> dict[str, Any]:
        """Return the fields of the API's Subscription for the caller and session of `request`.

        `with_presence`: the caller asks to read the session's presence, too.
        """


@dataclass(slots=True)
class Components:
    """The components of an instance, built once by `shared.composition` and passed to each call."""

    service: SessionService
    sessions: SessionList
    joins: JoinService
    store: SessionStore
    clock: StoreClock
    readiness: Readiness
    history: AuditHistory
    presence: PresenceStore
    revocations: TokenRevocations
    api_keys: ApiKeyService
    webhooks: WebhookService
    access_control: AccessControl
    subscriptions: Subscriptions
    metrics: Metrics
    embed_origins: Sequence[str] = ()
    """Origins of the web pages that may show `/embed` in a frame."""
    is_shutting_down: bool = False
    """Whether the instance is shutting down, so that load balancers should not use it."""


class IndexedHeaders(Headers):
    """Starlette's request headers with a lookup by dictionary: a request looks up about ten.

    `get` takes names in lower case only, as ASGI has them; it is the dictionary's own method.
    """

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope=scope)
        # As in Starlette, the first field of a name wins.
        self._first = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in self._list[::-1]
        }
        self.get = self._first.get  # type: ignore[method-assign]

    def __getitem__(self, key: str) -> str:
        return self._first[key.lower()]

    def __contains__(self, key: Any) -> bool:
        return key.lower() in self._first

    def getlist(self, key: str) -> list[str]:
        """Return all values of the field, in their order in the request."""
        return super().getlist(key) if key in self._first else []


class ApiRequest(Request):
    """A request, and the `components` of the instance that serve it.

    The pipeline sets `route` after routing, then `caller`, `rate_limit` and `authorization` if the
    route requires a right, and the ids when it has parsed the path.
    """

    headers: Headers = Headers()
    method: str = ""
    """Both are attributes in place of Starlette's properties, which are slower: a request asks for
    them a dozen times."""

    route: Route | None = None
    caller: Caller | None = None
    rate_limit: RequestRateLimit | None = None
    authorization: Authorization
    session_id: str = ""
    participant_id: str = ""
    webhook_id: str = ""
    token_id: str = ""
    key_id: str = ""
    is_dry_run: bool = False
    """Whether the caller only asks what the change would do (`?dry_run=true`)."""

    def __init__(self, scope: Scope, receive: Receive, components: Components) -> None:
        super().__init__(scope, receive)
        self.headers = IndexedHeaders(scope)
        self.method = scope["method"]
        self.components = components
        self.request_id = request_id_in(scope["headers"])
        self._content: bytes | None = None

    @property
    def idempotency_key(self) -> str | None:
        """The request's `Idempotency-Key`, if any."""
        return self.headers.get("idempotency-key")

    @property
    def is_head(self) -> bool:
        """Whether this is a `HEAD` request, for which an endpoint need not start a stream."""
        return self.method == "HEAD"

    async def read_session(self) -> tuple[Session, Instant]:
        """Return the session named in the path, and the instant at which it was read.

        Raises `SessionNotFound` and `StoreUnavailable`.
        """
        return await self.components.service.read(self.authorization, self.session_id)

    async def body(self) -> bytes:
        """Return the whole body, at most 1 MiB.

        Raises `PayloadTooLarge` as soon as the limit is known to be exceeded, `RuleViolation` for
        a `Content-Length` that is not a number, and `ClientDisconnect`.
        """
        if self._content is None:
            if _length_in(self.headers) > MAX_BODY_BYTES:
                raise PayloadTooLarge
            content, has_more = await self._next_chunk()
            if has_more:
                received = bytearray(content)  # appending doesn't copy earlier chunks
                while has_more:
                    chunk, has_more = await self._next_chunk()
                    received += chunk
                    if len(received) > MAX_BODY_BYTES:
                        raise PayloadTooLarge
                content = bytes(received)
            self._content = content
        return self._content

    async def json_bytes(self) -> bytes:
        """Return the body after checking that its header fields declare plain JSON.

        Raises what `body` raises, and `UnsupportedMediaType` or `UnsupportedContentCoding`.
        """
        content = await self.body()
        if content:
            fields = self.headers
            _check_content(fields.get("content-encoding"), fields.get("content-type"))
        return content

    async def json(self) -> Any:
        """Return the body parsed as JSON (RFC 8259), or None without a body.

        Raises what `json_bytes` raises, and `ValueError` with a message for the caller.
        """
        content = await self.json_bytes()
        if not content:
            return None
        if len(content) > LARGE_BYTES:
            await yield_to_event_loop()
        value = strict_json.parse_json(content)
        if len(content) > LARGE_BYTES:
            await yield_to_event_loop()  # validation, which follows, takes as long as parsing
        return value

    async def _next_chunk(self) -> tuple[bytes, bool]:
        """Return the next chunk of the body, and whether more follow."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        return message.get("body", b""), message.get("more_body", False)


def request_id_in(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return `X-Request-Id` if it is 1 to 128 visible ASCII characters, otherwise a new id."""
    for name, value in headers:
        if name == b"x-request-id" and _ACCEPTABLE_ID.fullmatch(value):
            return value.decode("ascii")
    return new_request_id()


def new_request_id() -> str:
    """Return 128 random bits as 32 hexadecimal digits; those of a UUID would take longer."""
    return urandom(16).hex()


def _length_in(headers: Headers) -> int:
    """Return the `Content-Length` in bytes, 0 if absent (RFC 9110 section 8.6)."""
    value = headers.get("content-length", "0")
    if not (value.isascii() and value.isdecimal()):
        raise RuleViolation(Violation("content-length", "must be a number of bytes", "invalid"))
    return int(value) if len(value) <= _MAX_DIGITS else MAX_BODY_BYTES + 1


@lru_cache(maxsize=128)
def _check_content(coding: str | None, content_type: str | None) -> None:
    """Raise `UnsupportedContentCoding` for an encoded body, `UnsupportedMediaType` if not JSON.

    A body without a content type counts as JSON. Cached, because most clients send the same.
    """
    if coding and coding.strip().lower() not in ("", "identity"):
        raise UnsupportedContentCoding
    if content_type and not _is_json(content_type):
        raise UnsupportedMediaType


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type.startswith("application/") and media_type.endswith(("/json", "+json"))

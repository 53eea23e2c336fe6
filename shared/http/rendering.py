"""Renders outcomes as responses (docs/api.md, Endpoints)."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.application.commit_builder import ChangeResult
from shared.application.session_service import Outcome
from shared.application.session_view import timestamp
from shared.domain.session import Session
from shared.domain.units import Instant
from shared.domain.values import Value
from shared.http.etags import etag, matches_if_none_match

_encode = msgspec.json.Encoder().encode


class RenderedAnswer(Value, frozen=True):
    """A response to a change: HTTP status, JSON body, session version and `Location`."""

    status: int
    body: bytes
    version: int | None = None
    location: str | None = None


Renderer = Callable[[ChangeResult], RenderedAnswer]
"""Renders the result of a change as its answer."""


def render_session(done: ChangeResult, status: int = 200) -> RenderedAnswer:
    """Render the Session."""
    return RenderedAnswer(status, encode_envelope(done.state.encoded), done.session.version)


def render_created_session(done: ChangeResult) -> RenderedAnswer:
    """Render the Session and its `Location`, with status 201."""
    location = f"/v1/sessions/{done.session.session_id}"
    return RenderedAnswer(201, encode_envelope(done.state.encoded), done.session.version, location)


def render_switch_result(done: ChangeResult) -> RenderedAnswer:
    """Render the SwitchResult."""
    return RenderedAnswer(200, encode_envelope(done.switch_result), done.session.version)


def render_participant(done: ChangeResult, participant_id: str) -> RenderedAnswer:
    """Render the ParticipantResult of that participant."""
    result = done.participant_result(participant_id)
    return RenderedAnswer(200, encode_envelope(result), done.session.version)


def encode_envelope(data: Any) -> bytes:
    """Return `{"data": ...}` as JSON; `data` may already be encoded."""
    if isinstance(data, msgspec.Raw):
        return b'{"data":%b}' % data
    return _encode({"data": data})


class RawResponse(Response):
    """A complete response whose header fields are already encoded, which is faster."""

    def __init__(
        self, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        self.status_code = status
        self.body = body
        self.raw_headers = [*headers]
        if body:
            self.raw_headers += (_JSON, (b"content-length", b"%d" % len(body)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response. It has no background task, and is never sent to a WebSocket."""
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        await send({"type": "http.response.body", "body": self.body})


_JSON = (b"content-type", b"application/json")
_NO_STORE = (b"cache-control", b"no-store")
_OWN_CACHE_ONLY = (b"cache-control", b"private, no-cache")
_REPLAYED = (b"idempotent-replayed", b"true")
_DRY_RUN = (b"dry-run", b"true")


def respond(outcome: Outcome, render: Renderer = render_session) -> Response:
    """Return the response to an outcome; 204 after a deletion."""
    answer = render(outcome.result) if outcome.result else RenderedAnswer(204, b"")
    if outcome.is_dry_run:  # neither `ETag` nor `Location`: there is no such version
        return RawResponse(answer.status, answer.body, (_NO_STORE, _DRY_RUN))
    headers = [_NO_STORE, _REPLAYED] if outcome.replayed else [_NO_STORE]
    if answer.version is not None:
        headers.append(_tag(answer.version))
    if answer.location:
        headers.append((b"location", answer.location.encode()))
    return RawResponse(answer.status, answer.body, headers)


def replay_headers(is_replayed: bool) -> dict[str, str]:
    """Return the headers of the response to a retryable request."""
    return {"Idempotent-Replayed": "true"} if is_replayed else {}


def dry_run_headers(is_dry_run: bool) -> dict[str, str]:
    """Return the headers of the response to a request that changes nothing if it `is_dry_run`."""
    return {"Dry-Run": "true"} if is_dry_run else {}


def json_response(data: Any, headers: dict[str, str] | None = None, status: int = 200) -> Response:
    """Return a response with `{"data": data}`."""
    return Response(encode_envelope(data), status, headers, media_type="application/json")


def token_fields(token: str, expires_at_s: int) -> dict[str, Any]:
    """Return the response fields of a token that expires at `expires_at_s` (s since the epoch)."""
    return {"token": token, "expires_at": timestamp(Instant(expires_at_s * 1000))}


def session_response(request: Request, session: Session, render: Callable[[], Any]) -> Response:
    """Return 200 with the result of `render`, or 304 if the client has the session's version.

    Only the caller's own cache may store the response, and must revalidate it: live times change,
    and the caller may lose its rights.
    """
    headers = (_tag(session.version), _OWN_CACHE_ONLY)
    if matches_if_none_match(request.headers.getlist("if-none-match"), session.version):
        return RawResponse(304, b"", headers)
    return RawResponse(200, encode_envelope(render()), headers)


def _tag(version: int) -> tuple[bytes, bytes]:
    return b"etag", etag(version).encode()

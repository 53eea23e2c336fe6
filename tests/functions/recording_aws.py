"""Fake AWS that records its requests and provides credentials as Lambda does."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from anyio.from_thread import start_blocking_portal
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.local.serving import serve

_POLL_S = 0.01

TOKEN = "the token of this function"


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A received request."""

    headers: dict[str, str]
    body: bytes

    @property
    def key_id(self) -> str:
        """Id of the access key that signed it."""
        return self.headers["authorization"].partition("Credential=")[2].partition("/")[0]


@dataclass
class RecordingAws:
    """The responses to send, and the requests received.

    The n-th credentials have the key id `key-<n>` and are valid for `credentials_lifetime`.
    """

    response: Response = field(default_factory=lambda: JSONResponse({"MessageId": "1"}))
    first_responses: list[Response] = field(default_factory=list)
    """Responses to the first requests, in place of `response`."""
    is_hanging: bool = False
    """Whether requests get no response, until `reset`."""
    credentials: Response | None = None
    """Response in place of valid credentials."""
    are_credentials_hanging: bool = False
    """Whether requests for credentials get no response, until `reset`."""
    credentials_lifetime: timedelta = timedelta(hours=6)
    credentials_fetched: int = 0
    requests: list[RecordedRequest] = field(default_factory=list)

    url: str = ""

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/", self._record_request, methods=["POST"]),
                Route("/credentials", self._send_credentials),
            ]
        )

    def reset(self) -> None:
        """Forget the requests and restore the defaults."""
        vars(self).update(vars(RecordingAws(url=self.url)))

    async def _record_request(self, request: Request) -> Response:
        self.requests.append(RecordedRequest(dict(request.headers), await request.body()))
        while self.is_hanging:
            await asyncio.sleep(_POLL_S)
        return self.first_responses.pop(0) if self.first_responses else self.response

    async def _send_credentials(self, request: Request) -> Response:
        if request.headers.get("authorization") != TOKEN:
            return Response(status_code=403)
        self.credentials_fetched += 1
        number, credentials = self.credentials_fetched, self.credentials
        while self.are_credentials_hanging:
            await asyncio.sleep(_POLL_S)
        return credentials or JSONResponse(
            {
                "AccessKeyId": f"key-{number}",
                "SecretAccessKey": f"secret-{number}",
                "Token": f"token-{number}",
                "Expiration": f"{datetime.now(UTC) + self.credentials_lifetime:%Y-%m-%dT%H:%M:%SZ}",
            }
        )


@contextmanager
def recording_aws() -> Iterator[RecordingAws]:
    """Run the server for the duration of the block."""
    recording = RecordingAws()
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serve(recording.app())) as server,
    ):
        recording.url = f"http://127.0.0.1:{server.port}"
        yield recording

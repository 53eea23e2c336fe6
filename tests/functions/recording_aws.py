"""An AWS that keeps what it is sent, and hands out credentials as Lambda does."""

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

TOKEN = "the token of this function"


@dataclass(frozen=True, slots=True)
class Kept:
    """A request as it came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def key_id(self) -> str:
        """Whose name it is signed in."""
        return self.headers["authorization"].partition("Credential=")[2].partition("/")[0]


@dataclass
class RecordingAws:
    """What it is told to answer, and what it was asked.

    The n-th credentials that it hands out are those of `key-<n>`; they are good for `life`.
    """

    answer: Response = field(default_factory=lambda: JSONResponse({"MessageId": "1"}))
    answers_after_s: float = 0
    credentials: Response | None = None
    """In place of good ones."""
    credentials_after_s: float = 0
    life: timedelta = timedelta(hours=6)
    fetched: int = 0
    kept: list[Kept] = field(default_factory=list)

    url: str = ""

    def app(self) -> Starlette:
        """The HTTP side."""
        return Starlette(
            routes=[
                Route("/", self._take, methods=["POST"]),
                Route("/credentials", self._hand_out),
            ]
        )

    def begin(self) -> None:
        """Be as at first."""
        vars(self).update(vars(RecordingAws(url=self.url)))

    async def _take(self, request: Request) -> Response:
        self.kept.append(Kept(dict(request.headers), await request.body()))
        await asyncio.sleep(self.answers_after_s)
        return self.answer

    async def _hand_out(self, request: Request) -> Response:
        if request.headers.get("authorization") != TOKEN:
            return Response(status_code=403)
        self.fetched += 1
        number, credentials = self.fetched, self.credentials
        await asyncio.sleep(self.credentials_after_s)
        return credentials or JSONResponse(
            {
                "AccessKeyId": f"key-{number}",
                "SecretAccessKey": f"secret-{number}",
                "Token": f"token-{number}",
                "Expiration": f"{datetime.now(UTC) + self.life:%Y-%m-%dT%H:%M:%SZ}",
            }
        )


@contextmanager
def recording_aws() -> Iterator[RecordingAws]:
    """It listens at its `url` to the end of the block."""
    recording = RecordingAws()
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serve(recording.app())) as port,
    ):
        recording.url = f"http://127.0.0.1:{port}"
        yield recording

"""The HTTP calls. Every change carries an `Idempotency-Key`, so a retry can't happen twice."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from synckairos.backoff import backoff
from synckairos.errors import ApiError, Unreachable

_ATTEMPTS = 5
_PATIENCE_S = 15.0
_ANSWERS_WITHIN_S = 5.0
"""What takes longer is lost, and is better asked again."""

_TRANSIENT = (429, 502, 503, 504)

Token = str | Callable[[], str | Awaitable[str | None] | None] | None
"""A token, or what gives one; that is asked again when the service refuses what it gave."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `data` is None with a 204 or 304."""

    status: int
    data: Any
    requests_left: int | None


class Api:
    """One service, as one caller."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        base_url: str,
        token: Token = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.http = http
        self._source = token
        self._token: str | None = None
        self._giving: asyncio.Task[None] | None = None
        self._sleep = sleep

    async def time_ms(self) -> float:
        """One reading of the server's clock, ms. Never retried: that would spoil its round trip."""
        return float((await self.time())["timestamp_ms"])

    async def time(self) -> dict[str, Any]:
        """The answer of `GET /v1/time`, which everybody may have. Raises `ApiError`."""
        answer = await self._send("GET", "/v1/time", {}, None, _ANSWERS_WITHIN_S)
        if answer.is_error:
            raise error_of(answer)
        return _body(answer, "timestamp_ms")

    async def get(self, path: str, known: int | None = None) -> Answer:
        """Read, once: for somebody who reads again anyway. Raises `ApiError`."""
        headers = {} if known is None else {"If-None-Match": f'"{known}"'}
        return await self._once("GET", path, headers, None, _ANSWERS_WITHIN_S)

    async def ask(self, path: str) -> Any:
        """Read, patiently. Raises `ApiError`."""
        return (await self._patiently("GET", path, {}, None, _PATIENCE_S)).data

    async def change(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Have something changed, within `timeout` s. Raises `ApiError`."""
        headers = {"Idempotency-Key": str(uuid4())}
        if if_match is not None:
            headers["If-Match"] = f'"{if_match}"'
        patience_s = _PATIENCE_S if timeout is None else timeout
        return (await self._patiently(method, path, headers, body, patience_s)).data

    async def token(self, *, anew: bool = False) -> str | None:
        """The caller's token. Raises `Unreachable` when there is no new one for an old one."""
        if not callable(self._source):
            return self._source
        if anew or self._token is None:
            if self._giving is None or self._giving.done():
                self._giving = asyncio.create_task(self._take(self._source))
            await asyncio.shield(self._giving)  # others may wait for the same
        return self._token

    async def _take(self, source: Callable[[], str | Awaitable[str | None] | None]) -> None:
        self._token = await self._given(source)

    async def _given(self, source: Callable[[], str | Awaitable[str | None] | None]) -> str | None:
        """A fresh token. A function that has worked before may have a bad moment."""
        try:
            given = source()
            return await given if inspect.isawaitable(given) else given
        except Exception as error:
            if self._token is None:
                raise
            raise Unreachable("No fresh token could be had") from error

    async def _patiently(
        self, method: str, path: str, headers: dict[str, str], body: Any, patience_s: float
    ) -> Answer:
        give_up = time.monotonic() + patience_s
        for attempt in range(_ATTEMPTS):
            left = give_up - time.monotonic()
            try:
                return await self._once(method, path, headers, body, min(left, _ANSWERS_WITHIN_S))
            except ApiError as error:
                wait = max(error.retry_after_s, backoff(attempt) / 1000)
                is_last = attempt == _ATTEMPTS - 1 or time.monotonic() + wait > give_up
                if is_last or error.status not in (0, *_TRANSIENT):
                    raise
            await self._sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    async def _once(
        self, method: str, path: str, headers: dict[str, str], body: Any, patience_s: float
    ) -> Answer:
        token = await self.token()
        answer = await self._send(method, path, headers | _bearer(token), body, patience_s)
        if answer.status_code == 401 and callable(self._source):
            # Somebody else may have had it replaced meanwhile.
            token = await self.token(anew=self._token == token)
            answer = await self._send(method, path, headers | _bearer(token), body, patience_s)
        if answer.is_error:
            raise error_of(answer)
        data = _body(answer, "data")["data"] if answer.content else None
        return Answer(answer.status_code, data, _requests_left(answer))

    async def _send(
        self, method: str, path: str, headers: dict[str, str], body: Any, patience_s: float
    ) -> httpx.Response:
        try:
            async with asyncio.timeout(max(0.0, patience_s)):
                return await self.http.request(
                    method, self.base_url + path, headers=headers, json=body
                )
        except (httpx.RequestError, TimeoutError) as error:
            raise Unreachable from error


def _bearer(token: str | None) -> dict[str, str]:
    """The header that says who the caller is."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def _body(answer: httpx.Response, has: str) -> dict[str, Any]:
    """What an answer says, if it is one of the service: a hotel's login page isn't."""
    try:
        said = answer.json()
    except ValueError:
        said = None
    if not isinstance(said, dict) or has not in said:
        raise Unreachable("What answers is not the service")
    return said


def error_of(answer: httpx.Response) -> ApiError:
    """The error that an answer tells of; a proxy in between may have other words for it."""
    said: dict[str, Any] = {
        "retry_after_s": _retry_after_s(answer),
        "requests_left": _requests_left(answer),
    }
    try:
        error = answer.json()["error"]
        said |= {name: error.get(name) for name in ("details", "request_id")}
        said |= {name: str(error[name]) for name in ("code", "message")}
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    return ApiError(answer.status_code, **said)


def _requests_left(answer: httpx.Response) -> int | None:
    """What is left of the caller's rate limit; a proxy in between may have added its own."""
    said = answer.headers.get("RateLimit-Remaining", "")
    counts = [int(count) for count in said.split(",") if count.strip().isdecimal()]
    return min(counts, default=None)


def _retry_after_s(answer: httpx.Response) -> float:
    try:
        return float(answer.headers.get("Retry-After", 0))
    except ValueError:  # a date, which needs a clock that we don't have
        return 0.0

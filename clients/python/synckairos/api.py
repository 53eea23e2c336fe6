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
        self._sleep = sleep

    async def time_ms(self) -> float:
        """One reading of the server's clock, ms. Never retried: that would spoil its round trip."""
        return float((await self.time())["timestamp_ms"])

    async def time(self) -> dict[str, Any]:
        """The answer of `GET /v1/time`. Raises `ApiError`."""
        answer = await self._send("GET", "/v1/time", {}, None, _PATIENCE_S)
        if answer.is_error:
            raise error_of(answer)
        return _body(answer, "timestamp_ms")

    async def get(self, path: str, known: int | None = None) -> Answer:
        """Read, once: for somebody who reads again anyway. Raises `ApiError`."""
        headers = {} if known is None else {"If-None-Match": f'"{known}"'}
        return await self._once("GET", path, headers, None, _PATIENCE_S)

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
            self._token = await self._given(self._source)
        return self._token

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
                return await self._once(method, path, headers, body, left)
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
        answer = await self._send(method, path, headers, body, patience_s)
        if answer.status_code == 401 and callable(self._source):
            answer = await self._send(method, path, headers, body, patience_s, anew=True)
        if answer.is_error:
            raise error_of(answer)
        data = _body(answer, "data")["data"] if answer.content else None
        left = answer.headers.get("RateLimit-Remaining")
        return Answer(answer.status_code, data, int(left) if left else None)

    async def _send(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: Any,
        patience_s: float,
        *,
        anew: bool = False,
    ) -> httpx.Response:
        headers = headers | await self.authorization(anew=anew)
        try:
            async with asyncio.timeout(max(0.0, patience_s)):
                return await self.http.request(
                    method, self.base_url + path, headers=headers, json=body
                )
        except (httpx.RequestError, TimeoutError) as error:
            raise Unreachable from error

    async def authorization(self, *, anew: bool = False) -> dict[str, str]:
        """The header that says who the caller is."""
        token = await self.token(anew=anew)
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
    try:
        error = answer.json()["error"]
        said = {name: error.get(name) for name in ("details", "request_id")}
        code, message = str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return ApiError(answer.status_code, retry_after_s=_retry_after_s(answer))
    return ApiError(answer.status_code, code, message, retry_after_s=_retry_after_s(answer), **said)


def _retry_after_s(answer: httpx.Response) -> float:
    try:
        return float(answer.headers.get("Retry-After", 0))
    except ValueError:  # a date, which needs a clock that we don't have
        return 0.0

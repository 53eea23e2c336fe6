"""HTTP calls. Each change carries an `Idempotency-Key`, so retries apply it only once."""

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
from synckairos.service_url import service_url
from synckairos.timing import ATTEMPT_TIMEOUT_MS, ATTEMPTS, CALL_TIMEOUT_MS

_TRANSIENT = (429, 502, 503, 504)

Token = str | Callable[[], str | Awaitable[str | None] | None] | None
"""A token, or a function that returns one and is called again when the service rejects it."""


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A successful response; `data` is None for 204 and 304."""

    status: int
    data: Any
    rate_limit_remaining: int | None


class Api:
    """HTTP client of one service, for one caller."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        base_url: str,
        token: Token = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.base_url = service_url(base_url)
        self.http = http
        self._source = token
        self._token: str | None = None
        self._token_task: asyncio.Task[None] | None = None
        self._sleep = sleep

    async def time_ms(self) -> float:
        """Read the server's clock, ms. No retries: they would distort the round trip."""
        return float((await self.time())["timestamp_ms"])

    async def time(self) -> dict[str, Any]:
        """Return the body of `GET /v1/time`, which needs no token. Raises `ApiError`."""
        answer = await self._send("GET", "/v1/time", {}, None, ATTEMPT_TIMEOUT_MS / 1000)
        if answer.is_error:
            raise error_of(answer)
        return self._body(answer, "timestamp_ms")

    async def get_once(self, path: str, known: int | None = None) -> ApiResponse:
        """Read without retries; 304 if the version is still `known`. Raises `ApiError`."""
        headers = {} if known is None else {"If-None-Match": f'"{known}"'}
        return await self._once("GET", path, headers, None, ATTEMPT_TIMEOUT_MS / 1000)

    async def get(self, path: str) -> Any:
        """Read with retries. Raises `ApiError`."""
        return (await self._with_retries("GET", path, {}, None, CALL_TIMEOUT_MS / 1000)).data

    async def change(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        if_match: int | None = None,
        timeout: float | None = None,
        representation: bool = False,
    ) -> Any:
        """Make a change, with retries for up to `timeout` s. Raises `ApiError`.

        With `representation`, the answer to a switch is the whole session (RFC 7240).
        """
        headers = {"Idempotency-Key": str(uuid4())}
        if representation:
            headers["Prefer"] = "return=representation"
        if if_match is not None:
            headers["If-Match"] = f'"{if_match}"'
        timeout_s = CALL_TIMEOUT_MS / 1000 if timeout is None else timeout
        return (await self._with_retries(method, path, headers, body, timeout_s)).data

    async def token(self, *, refresh: bool = False) -> str | None:
        """Return the caller's token. Raises `Unreachable` when it can't be replaced."""
        if not callable(self._source):
            return self._source
        if refresh or self._token is None:
            if self._token_task is None or self._token_task.done():
                self._token_task = asyncio.create_task(self._refresh_token(self._source))
            await asyncio.shield(self._token_task)  # other calls may wait for the same task
        return self._token

    async def _refresh_token(
        self, source: Callable[[], str | Awaitable[str | None] | None]
    ) -> None:
        self._token = await self._call_source(source)

    async def _call_source(
        self, source: Callable[[], str | Awaitable[str | None] | None]
    ) -> str | None:
        """Call the token function. If it has worked before, its error counts as temporary."""
        try:
            token = source()
            return await token if inspect.isawaitable(token) else token
        except Exception as error:
            if self._token is None:
                raise
            raise Unreachable("The token function failed") from error

    async def _with_retries(
        self, method: str, path: str, headers: dict[str, str], body: Any, timeout_s: float
    ) -> ApiResponse:
        deadline = time.monotonic() + timeout_s
        for attempt in range(ATTEMPTS):
            left = deadline - time.monotonic()
            try:
                return await self._once(
                    method, path, headers, body, min(left, ATTEMPT_TIMEOUT_MS / 1000)
                )
            except ApiError as error:
                wait = max(error.retry_after_s, backoff(attempt) / 1000)
                is_last = attempt == ATTEMPTS - 1 or time.monotonic() + wait > deadline
                if is_last or error.status not in (0, *_TRANSIENT):
                    raise
            await self._sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    async def _once(
        self, method: str, path: str, headers: dict[str, str], body: Any, timeout_s: float
    ) -> ApiResponse:
        token = await self.token()
        answer = await self._send(method, path, headers | _bearer(token), body, timeout_s)
        if answer.status_code == 401 and callable(self._source):
            # Another call may have replaced the token meanwhile.
            token = await self.token(refresh=self._token == token)
            answer = await self._send(method, path, headers | _bearer(token), body, timeout_s)
        if answer.is_error:
            raise error_of(answer)
        data = self._body(answer, "data")["data"] if answer.content else None
        return ApiResponse(answer.status_code, data, _rate_limit_remaining(answer))

    async def _send(
        self, method: str, path: str, headers: dict[str, str], body: Any, timeout_s: float
    ) -> httpx.Response:
        try:
            async with asyncio.timeout(max(0.0, timeout_s)):
                return await self.http.request(
                    method, self.base_url + path, headers=headers, json=body
                )
        except TimeoutError as error:
            raise self.unreachable(f"no answer within {timeout_s:.3g} s") from error
        except httpx.RequestError as error:
            raise self.unreachable(str(error) or type(error).__name__) from error

    def unreachable(self, reason: str) -> Unreachable:
        """Return the error of a request that the service did not answer."""
        return Unreachable(f"The service can't be reached at {self.base_url}: {reason}")

    def _body(self, answer: httpx.Response, has: str) -> dict[str, Any]:
        """Return the JSON body; raise `Unreachable` if it is another server's (a login page)."""
        try:
            body = answer.json()
        except ValueError:
            body = None
        if not isinstance(body, dict) or has not in body:
            raise self.unreachable(f"another server answered with status {answer.status_code}")
        return body


def _bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def error_of(answer: httpx.Response) -> ApiError:
    """Build the `ApiError` of a response. A proxy's error body may have another format."""
    fields: dict[str, Any] = {
        "retry_after_s": retry_after_s(answer),
        "rate_limit_remaining": _rate_limit_remaining(answer),
    }
    try:
        error = answer.json()["error"]
        fields |= {name: error.get(name) for name in ("details", "request_id")}
        fields |= {name: str(error[name]) for name in ("code", "message")}
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    return ApiError(answer.status_code, **fields)


def _rate_limit_remaining(answer: httpx.Response) -> int | None:
    """Return the rest of the caller's rate limit: the smallest, as proxies may add their own."""
    header = answer.headers.get("RateLimit-Remaining", "")
    counts = [int(count) for count in header.split(",") if count.strip().isdecimal()]
    return min(counts, default=None)


def retry_after_s(answer: httpx.Response) -> float:
    """Return the response's `Retry-After`, s; 0 if it has none."""
    try:
        return float(answer.headers.get("Retry-After", 0))
    except ValueError:  # an HTTP date: ignored, because the local clock may be wrong
        return 0.0


def given(**fields: Any) -> dict[str, Any]:
    """Return the fields of a body or a query that are not None."""
    return {name: value for name, value in fields.items() if value is not None}

"""HTTP calls of the Python client: retries, idempotency keys, timeouts, and tokens."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from synckairos.api import Api, Token
from synckairos.errors import ApiError, Unreachable

from tests.support.virtual_time import Time, in_virtual_time

_OK = {"data": {"version": 3}}

Reply = Callable[[httpx.Request], httpx.Response]


def ok(_: httpx.Request) -> httpx.Response:
    """Return a successful response."""
    return httpx.Response(200, json=_OK, headers={"RateLimit-Remaining": "17"})


def failing(status: int, code: str = "X", **headers: str) -> Reply:
    """Return a reply with an error of the service."""
    body = {
        "error": {
            "code": code,
            "message": "No",
            "details": {"actual_version": 2},
            "request_id": "r",
        }
    }
    return lambda _: httpx.Response(status, json=body, headers=headers)


def silent(request: httpx.Request) -> httpx.Response:
    """Fail without a response."""
    raise httpx.ReadError("gone", request=request)


class Service:
    """Sends `replies` one after the other, and the last one repeatedly."""

    def __init__(self, *replies: Reply) -> None:
        self._replies = list(replies)
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []

    def api(self, token: Token = None) -> Api:
        """Return a client of the service."""
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._respond))
        return Api(http, "http://service/", token, self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def _respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        return reply(request)


@pytest.mark.parametrize("reply", [silent, failing(502), failing(503), failing(504), failing(429)])
async def test_a_change_is_retried_with_the_same_idempotency_key(reply: Reply) -> None:
    service = Service(reply, reply, ok)
    assert await service.api().change("POST", "/v1/x", {"a": 1}) == _OK["data"]
    assert len({request.headers["Idempotency-Key"] for request in service.requests}) == 1
    assert [json.loads(request.content) for request in service.requests] == [{"a": 1}] * 3
    assert len(service.slept) == 2


async def test_every_change_has_its_own_idempotency_key() -> None:
    service = Service(ok)
    api = service.api()
    await api.change("POST", "/v1/x")
    await api.change("POST", "/v1/x")
    assert len({request.headers["Idempotency-Key"] for request in service.requests}) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422, 500])
async def test_a_permanent_error_is_not_retried(status: int) -> None:
    service = Service(failing(status, "CONFLICT"))
    with pytest.raises(ApiError) as raised:
        await service.api().change("POST", "/v1/x")
    error = raised.value
    assert (error.status, error.code, error.request_id) == (status, "CONFLICT", "r")
    assert error.details == {"actual_version": 2}
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("details", "text"),
    [
        ([{"field": "a.0", "message": "is required"}, {}], "Invalid: a.0 is required"),
        ([{"field": "next", "message": "Invalid"}], "Invalid"),
        ([1], "Invalid"),
        ([], "Invalid"),
        ({"actual_version": 2}, "Invalid"),
        (None, "Invalid"),
    ],
)
async def test_the_text_of_an_error_names_the_first_wrong_field(details: Any, text: str) -> None:
    error = {"code": "VALIDATION_ERROR", "message": "Invalid", "details": details}
    service = Service(lambda _: httpx.Response(400, json={"error": error}))
    with pytest.raises(ApiError) as raised:
        await service.api().get("/v1/x")
    assert (str(raised.value), raised.value.message) == (text, "Invalid")
    assert raised.value.details == details


async def test_a_call_is_attempted_at_most_five_times() -> None:
    service = Service(silent)
    with pytest.raises(Unreachable):
        await service.api().change("POST", "/v1/x")
    assert len(service.requests) == 5


async def test_retry_after_is_honoured() -> None:
    service = Service(failing(429, **{"Retry-After": "3"}), ok)
    await service.api().change("POST", "/v1/x")
    assert service.slept == [3.0]


async def test_a_retry_after_beyond_the_timeout_ends_the_call_at_once() -> None:
    service = Service(failing(503, **{"Retry-After": "30"}))
    with pytest.raises(ApiError) as raised:
        await service.api().change("POST", "/v1/x")
    assert raised.value.retry_after_s == 30
    assert (len(service.requests), service.slept) == (1, [])


async def test_a_call_ends_within_the_callers_timeout() -> None:
    service = Service(silent)
    with pytest.raises(Unreachable):
        await service.api().change("POST", "/v1/x", timeout=0.05)
    assert len(service.requests) == 1


@in_virtual_time
async def test_an_attempt_that_hangs_is_cancelled_and_retried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("synckairos.api.time", Time)
    requests = 0

    async def reply(request: httpx.Request) -> httpx.Response:
        nonlocal requests
        requests += 1
        if requests == 1:
            await asyncio.Event().wait()
        return ok(request)

    api = Api(httpx.AsyncClient(transport=httpx.MockTransport(reply)), "http://service")
    assert await api.change("POST", "/v1/x", timeout=60) == _OK["data"]
    assert requests == 2


@pytest.mark.parametrize(
    ("header", "expected"), [("17", 17), ("99, 100", 99), ("?", None), ("", None)]
)
async def test_an_invalid_rate_limit_header_is_ignored(header: str, expected: int | None) -> None:
    service = Service(
        lambda _: httpx.Response(200, json=_OK, headers={"RateLimit-Remaining": header})
    )
    assert (await service.api().get_once("/v1/x")).rate_limit_remaining == expected


async def test_an_error_of_a_gateway_keeps_its_status() -> None:
    service = Service(lambda _: httpx.Response(502, text="<html>"))
    with pytest.raises(ApiError) as raised:
        await service.api().get_once("/v1/x")
    assert (raised.value.status, raised.value.code) == (502, "UNKNOWN")


async def test_a_read_sends_the_known_version_and_is_not_retried() -> None:
    service = Service(silent)
    with pytest.raises(Unreachable):
        await service.api().get_once("/v1/x", known=7)
    assert [request.headers["If-None-Match"] for request in service.requests] == ['"7"']


async def test_a_response_has_the_rest_of_the_rate_limit() -> None:
    assert (await Service(ok).api().get_once("/v1/x")).rate_limit_remaining == 17


async def test_if_match_is_sent_as_a_header() -> None:
    service = Service(ok)
    await service.api().change("POST", "/v1/x", if_match=4)
    assert service.requests[0].headers["If-Match"] == '"4"'


async def test_a_rejected_token_is_replaced_once_per_call() -> None:
    given = iter(["old", "new", "newer"])
    service = Service(failing(401), ok)
    api = service.api(lambda: next(given))
    await api.get_once("/v1/x")
    sent = [request.headers["Authorization"] for request in service.requests]
    assert sent == ["Bearer old", "Bearer new"]

    rejecting = Service(failing(401))
    with pytest.raises(ApiError):
        await rejecting.api(lambda: "same").get_once("/v1/x")
    assert len(rejecting.requests) == 2


async def test_concurrent_rejected_calls_get_one_new_token() -> None:
    given = iter(["old", "new", "newer"])
    api = Service(failing(401), failing(401), ok).api(lambda: next(given))
    assert await api.token() == "old"
    await asyncio.gather(api.get_once("/v1/x"), api.get_once("/v1/y"))
    assert await api.token() == "new"


async def test_a_token_function_may_be_asynchronous() -> None:
    async def token() -> str:
        return "async"

    service = Service(ok)
    await service.api(token).get_once("/v1/x")
    assert service.requests[0].headers["Authorization"] == "Bearer async"


async def test_an_error_of_a_token_function_is_temporary_only_if_it_worked_before() -> None:
    given = iter(["old"])
    with pytest.raises(Unreachable):
        await Service(failing(401)).api(lambda: next(given)).get_once("/v1/x")

    def broken() -> str:
        raise LookupError

    with pytest.raises(LookupError):
        await Service(ok).api(broken).get_once("/v1/x")


@pytest.mark.parametrize("text", ["<html>", "[]", "{}", "null"])
async def test_an_invalid_success_response_counts_as_unreachable(text: str) -> None:
    service = Service(lambda _: httpx.Response(200, text=text))
    with pytest.raises(Unreachable):
        await service.api().get_once("/v1/x")
    with pytest.raises(Unreachable):
        await service.api().time_ms()

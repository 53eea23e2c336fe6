"""Calls that are repeated until they are answered, and happen once."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest
from synckairos.api import Api, Token
from synckairos.errors import ApiError, Unreachable

_OK = {"data": {"version": 3}}

Reply = Callable[[httpx.Request], httpx.Response]


def ok(_: httpx.Request) -> httpx.Response:
    """What is hoped for."""
    return httpx.Response(200, json=_OK, headers={"RateLimit-Remaining": "17"})


def failing(status: int, code: str = "X", **headers: str) -> Reply:
    """An error of the service."""
    body = {"error": {"code": code, "message": "No", "details": [1], "request_id": "r"}}
    return lambda _: httpx.Response(status, json=body, headers=headers)


def silent(request: httpx.Request) -> httpx.Response:
    """No answer at all."""
    raise httpx.ReadError("gone", request=request)


class Service:
    """Answers with `replies`, one after the other, and with the last one for ever."""

    def __init__(self, *replies: Reply) -> None:
        self._replies = list(replies)
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []

    def api(self, token: Token = None) -> Api:
        """A client of it."""
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        return Api(http, "http://service/", token, self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        return reply(request)


@pytest.mark.parametrize("reply", [silent, failing(502), failing(503), failing(504), failing(429)])
async def test_a_change_is_repeated_with_the_same_key_until_it_is_answered(reply: Reply) -> None:
    service = Service(reply, reply, ok)
    assert await service.api().change("POST", "/v1/x", {"a": 1}) == _OK["data"]
    assert len({request.headers["Idempotency-Key"] for request in service.requests}) == 1
    assert [json.loads(request.content) for request in service.requests] == [{"a": 1}] * 3
    assert len(service.slept) == 2


async def test_every_change_has_a_key_of_its_own() -> None:
    service = Service(ok)
    api = service.api()
    await api.change("POST", "/v1/x")
    await api.change("POST", "/v1/x")
    assert len({request.headers["Idempotency-Key"] for request in service.requests}) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422, 500])
async def test_what_would_only_be_refused_again_is_not_repeated(status: int) -> None:
    service = Service(failing(status, "CODE"))
    with pytest.raises(ApiError) as raised:
        await service.api().change("POST", "/v1/x")
    error = raised.value
    assert (error.status, error.code, error.details, error.request_id) == (status, "CODE", [1], "r")
    assert len(service.requests) == 1


async def test_five_attempts_are_enough() -> None:
    service = Service(silent)
    with pytest.raises(Unreachable):
        await service.api().change("POST", "/v1/x")
    assert len(service.requests) == 5


async def test_it_waits_as_long_as_it_is_asked_to() -> None:
    service = Service(failing(429, **{"Retry-After": "3"}), ok)
    await service.api().change("POST", "/v1/x")
    assert service.slept == [3.0]


async def test_it_does_not_wait_for_longer_than_there_is_patience() -> None:
    service = Service(failing(503, **{"Retry-After": "30"}))
    with pytest.raises(ApiError) as raised:
        await service.api().change("POST", "/v1/x")
    assert raised.value.retry_after_s == 30
    assert (len(service.requests), service.slept) == (1, [])


async def test_a_timeout_is_the_callers() -> None:
    service = Service(silent)
    with pytest.raises(Unreachable):
        await service.api().change("POST", "/v1/x", timeout=0.05)
    assert len(service.requests) == 1


async def test_what_hangs_is_given_up_in_time_to_be_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("synckairos.api._ATTEMPT_TIMEOUT_S", 0.05)
    asked = 0

    async def reply(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        if asked == 1:
            await asyncio.Event().wait()
        return ok(request)

    api = Api(httpx.AsyncClient(transport=httpx.MockTransport(reply)), "http://service")
    assert await api.change("POST", "/v1/x", timeout=5) == _OK["data"]
    assert asked == 2


@pytest.mark.parametrize(("said", "left"), [("17", 17), ("99, 100", 99), ("?", None), ("", None)])
async def test_however_a_budget_is_written_it_does_no_harm(said: str, left: int | None) -> None:
    service = Service(
        lambda _: httpx.Response(200, json=_OK, headers={"RateLimit-Remaining": said})
    )
    assert (await service.api().get("/v1/x")).requests_left == left


async def test_an_answer_that_is_not_ours_is_an_error_with_its_status() -> None:
    service = Service(lambda _: httpx.Response(502, text="<html>"))
    with pytest.raises(ApiError) as raised:
        await service.api().get("/v1/x")
    assert (raised.value.status, raised.value.code) == (502, "UNKNOWN")


async def test_a_read_names_the_version_that_is_known_and_is_never_repeated() -> None:
    service = Service(silent)
    with pytest.raises(Unreachable):
        await service.api().get("/v1/x", known=7)
    assert [request.headers["If-None-Match"] for request in service.requests] == ['"7"']


async def test_an_answer_says_how_many_requests_are_left() -> None:
    assert (await Service(ok).api().get("/v1/x")).requests_left == 17


async def test_a_condition_goes_along() -> None:
    service = Service(ok)
    await service.api().change("POST", "/v1/x", if_match=4)
    assert service.requests[0].headers["If-Match"] == '"4"'


async def test_a_token_that_is_refused_is_asked_for_anew_once_per_call() -> None:
    given = iter(["old", "new", "newer"])
    service = Service(failing(401), ok)
    api = service.api(lambda: next(given))
    await api.get("/v1/x")
    sent = [request.headers["Authorization"] for request in service.requests]
    assert sent == ["Bearer old", "Bearer new"]

    refusing = Service(failing(401))
    with pytest.raises(ApiError):
        await refusing.api(lambda: "same").get("/v1/x")
    assert len(refusing.requests) == 2


async def test_a_token_that_was_replaced_meanwhile_is_not_asked_for_again() -> None:
    given = iter(["old", "new", "newer"])
    api = Service(failing(401), failing(401), ok).api(lambda: next(given))
    assert await api.token() == "old"
    await asyncio.gather(api.get("/v1/x"), api.get("/v1/y"))
    assert await api.token() == "new"


async def test_a_token_may_take_its_time() -> None:
    async def fetched() -> str:
        return "late"

    service = Service(ok)
    await service.api(fetched).get("/v1/x")
    assert service.requests[0].headers["Authorization"] == "Bearer late"


async def test_a_token_function_may_have_a_bad_moment_but_must_have_worked() -> None:
    given = iter(["old"])
    with pytest.raises(Unreachable):
        await Service(failing(401)).api(lambda: next(given)).get("/v1/x")

    def broken() -> str:
        raise LookupError

    with pytest.raises(LookupError):
        await Service(ok).api(broken).get("/v1/x")


@pytest.mark.parametrize("text", ["<html>", "[]", "{}", "null"])
async def test_an_answer_of_somebody_else_is_none(text: str) -> None:
    service = Service(lambda _: httpx.Response(200, text=text))
    with pytest.raises(Unreachable):
        await service.api().get("/v1/x")
    with pytest.raises(Unreachable):
        await service.api().time_ms()

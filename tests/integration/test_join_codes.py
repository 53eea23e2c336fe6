"""Join codes over HTTP: who opens them, what they give, and what people learn who guess."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import TypeAdapter
from synckairos import ApiError, SyncKairos

from infra.local.redis import embedded_redis
from shared.http.openapi import models
from shared.store.join_codes import MOST_WRONG_OF_ADDRESS
from tests.support import tokens
from tests.support.api import ApiClient, api_client, check_documented, chess, details_of, error_of
from tests.support.target import IS_FUNCTIONS, running_service
from tests.support.tokens import WITH_AUTHENTICATION, bearer

pytestmark = pytest.mark.http

_code = TypeAdapter(models.JoinCodeAnswer)
_join = TypeAdapter(models.JoinAnswer)
WRONG = "ZZZZZZ"
_HOPS = "2" if IS_FUNCTIONS else "1"
"""The tests are a proxy, and the gateway of functions is another one."""


@pytest.fixture(scope="module")
def guessed_url() -> Iterator[str]:
    """A service whose limit of wrong codes no other test shares; each test has an address."""
    with (
        embedded_redis() as redis_url,
        running_service(redis_url, **WITH_AUTHENTICATION, TRUSTED_PROXY_HOPS=_HOPS) as url,
    ):
        yield url


@pytest.fixture
async def host(guessed_url: str) -> AsyncIterator[ApiClient]:
    """Alice, who is a host."""
    async with api_client(guessed_url, tokens.host(), timeout=20) as api:
        yield api


@pytest.fixture
async def phone(guessed_url: str) -> AsyncIterator[ApiClient]:
    """A phone without a token, at an address of its own."""
    async with api_client(guessed_url, timeout=20) as api:
        number = uuid4().bytes
        api.http.headers["X-Forwarded-For"] = f"10.{number[0]}.{number[1]}.{number[2]}"
        yield api


async def opened(api: ApiClient, session_id: str, **terms: Any) -> dict[str, Any]:
    answer = await open_code(api, session_id, **terms)
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["data"])


async def open_code(
    api: ApiClient, session_id: str, headers: dict[str, str] | None = None, **terms: Any
) -> httpx.Response:
    path = f"/v1/sessions/{session_id}/join-code"
    body = {"role": "spectator"} | terms
    return check_documented(await api.http.post(path, json=body, headers=headers), _code)


async def join(
    api: ApiClient, code: str, headers: dict[str, str] | None = None, **who: Any
) -> httpx.Response:
    body = {"code": code} | who
    return check_documented(await api.http.post("/v1/join", json=body, headers=headers), _join)


async def joined(api: ApiClient, code: str, **who: Any) -> dict[str, Any]:
    answer = await join(api, code, **who)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


async def test_a_code_lets_a_phone_watch_the_session(host: ApiClient, phone: ApiClient) -> None:
    session_id = await host.created(chess())
    code = await opened(host, session_id, max_uses=5)
    assert (code["role"], code["uses"], code["max_uses"]) == ("spectator", 0, 5)
    spelt = f" {code['code'][:3].lower()} {code['code'][3:]} "
    given = await joined(phone, spelt)
    assert (given["session_id"], given["role"]) == (session_id, "spectator")
    assert given["url"] == f"{phone.http.base_url}/?session={session_id}#token={given['token']}"
    claims = tokens.claims_of(given["token"])
    assert (claims["role"], claims["session_id"]) == ("spectator", session_id)
    seen = await phone.get(session_id, bearer(given["token"]))
    assert seen.status_code == 200
    start = await phone.http.post(
        f"/v1/sessions/{session_id}/start", headers=bearer(given["token"])
    )
    assert start.status_code == 403
    shown = await host.http.get(f"/v1/sessions/{session_id}/join-code")
    assert check_documented(shown, _code).json()["data"] == code | {"uses": 1}


async def test_people_choose_a_free_participant_and_get_its_rights(
    host: ApiClient, phone: ApiClient
) -> None:
    session_id = await host.created(chess())
    first, second = (p["participant_id"] for p in (await host.session(session_id))["participants"])
    code = (await opened(host, session_id, role="participant"))["code"]
    choice = await joined(phone, code)
    assert [one["participant_id"] for one in choice["participants"]] == [first, second]
    assert choice["may_add"] is False
    assert "token" not in choice
    given = await joined(phone, code, participant_id=first)
    assert given["participant_id"] == first
    assert error_of(await join(phone, code, participant_id=first)) == (409, "CONFLICT")
    rest = (await joined(phone, code))["participants"]
    assert [one["participant_id"] for one in rest] == [second]
    await host.do(session_id, "start")
    switched = await phone.http.post(
        f"/v1/sessions/{session_id}/switch", headers=bearer(given["token"])
    )
    assert switched.status_code == 200


async def test_of_many_phones_that_want_one_participant_one_gets_it(
    host: ApiClient, phone: ApiClient
) -> None:
    session_id = await host.created(chess())
    wanted = (await host.session(session_id))["participants"][0]["participant_id"]
    code = (await opened(host, session_id, role="participant"))["code"]
    answers = await asyncio.gather(*(join(phone, code, participant_id=wanted) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7


async def test_a_new_participant_joins_where_the_code_allows_it(
    host: ApiClient, phone: ApiClient
) -> None:
    session_id = await host.created(chess())
    terms = {"role": "participant", "newcomers": {"total_time_ms": 90_000}}
    code = await opened(host, session_id, **terms)
    assert code["newcomers"] == {"total_time_ms": 90_000}
    assert (await joined(phone, code["code"]))["may_add"] is True
    key = {"Idempotency-Key": str(uuid4())}
    given = await joined(phone, code["code"], name="Cleo", headers=key)
    repeated = await joined(phone, code["code"], name="Cleo", headers=key)
    assert repeated["participant_id"] == given["participant_id"]
    newest = (await host.session(session_id))["participants"][2:]
    assert [(one["participant_id"], one["name"], one["total_time_ms"]) for one in newest] == [
        (given["participant_id"], "Cleo", 90_000)
    ]
    assert tokens.claims_of(given["token"])["participant_id"] == given["participant_id"]
    other = await opened(host, session_id, role="participant")
    assert details_of(await join(phone, other["code"], name="Dan")) == {
        "name": "is for new participants, and this code adds none"
    }


@pytest.mark.parametrize("key", ["1", "x" * 19])
async def test_a_key_that_others_could_guess_is_refused(
    host: ApiClient, phone: ApiClient, key: str
) -> None:
    code = (await opened(host, await host.created(chess())))["code"]
    answer = await join(phone, code, headers={"Idempotency-Key": key})
    assert details_of(answer) == {"Idempotency-Key": "must have at least 20 characters"}


async def test_the_key_of_another_person_gives_no_token(host: ApiClient, phone: ApiClient) -> None:
    """Cleo's key is known, but not what she sent with it."""
    session_id = await host.created(chess())
    terms = {"role": "participant", "newcomers": {"total_time_ms": 90_000}}
    code = (await opened(host, session_id, **terms))["code"]
    key = {"Idempotency-Key": str(uuid4())}
    await joined(phone, code, name="Cleo", headers=key)
    refused = await join(phone, code, name="Dan", headers=key)
    assert error_of(refused) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_retries_that_overlap_add_one_participant(host: ApiClient, phone: ApiClient) -> None:
    session_id = await host.created(chess())
    terms = {"role": "participant", "newcomers": {"total_time_ms": 90_000}}
    code = (await opened(host, session_id, **terms))["code"]
    key = {"Idempotency-Key": str(uuid4())}
    given = await asyncio.gather(*(joined(phone, code, name="Cleo", headers=key) for _ in range(4)))
    newest = (await host.session(session_id))["participants"][2:]
    assert [one["participant_id"] for one in newest] == [given[0]["participant_id"]]
    assert {one["participant_id"] for one in given} == {given[0]["participant_id"]}
    shown = await host.http.get(f"/v1/sessions/{session_id}/join-code")
    assert shown.json()["data"]["uses"] == 1


async def test_a_refused_newcomer_uses_nothing(host: ApiClient, phone: ApiClient) -> None:
    session_id = await host.started(chess())
    terms = {"role": "participant", "newcomers": {"total_time_ms": 90_000}}
    code = (await opened(host, session_id, **terms))["code"]
    await host.do(session_id, "cancel")
    key = {"Idempotency-Key": str(uuid4())}
    for _ in range(2):
        refused = await join(phone, code, name="Cleo", headers=key)
        assert error_of(refused) == (400, "INVALID_STATE_TRANSITION")
    shown = await host.http.get(f"/v1/sessions/{session_id}/join-code")
    assert shown.json()["data"]["uses"] == 0


async def test_settings_of_newcomers_are_checked_when_the_code_is_opened(host: ApiClient) -> None:
    session_id = await host.created(chess())
    answer = await open_code(host, session_id, role="participant", newcomers={})
    assert set(details_of(answer)) == {"newcomers.total_time_ms"}
    answer = await open_code(host, session_id, role="spectator", newcomers={})
    assert details_of(answer) == {"newcomers": "is for the role participant only"}


async def test_the_key_of_a_refused_opening_can_be_used_again(host: ApiClient) -> None:
    session_id = await host.created(chess())
    key = {"Idempotency-Key": str(uuid4())}
    terms = {"role": "participant", "newcomers": {}}
    refused = await open_code(host, session_id, headers=key, **terms)
    assert set(details_of(refused)) == {"newcomers.total_time_ms"}
    terms["newcomers"] = {"total_time_ms": 60_000}
    assert (await open_code(host, session_id, headers=key, **terms)).status_code == 201


async def test_unknown_closed_replaced_and_deleted_codes_are_answered_alike(
    host: ApiClient, phone: ApiClient
) -> None:
    session_id = await host.created(chess())
    replaced = (await opened(host, session_id))["code"]
    closed = (await opened(host, session_id))["code"]
    path = f"/v1/sessions/{session_id}/join-code"
    assert (await host.http.delete(path)).status_code == 204
    assert (await host.http.delete(path)).status_code == 204
    assert error_of(await host.http.get(path)) == (404, "NOT_FOUND")
    deleted_id = await host.created(chess())
    deleted = (await opened(host, deleted_id))["code"]
    await host.delete(deleted_id)
    used_id = await host.created(chess())
    used = (await opened(host, used_id, max_uses=1))["code"]
    await joined(phone, used)
    answers = [await join(phone, code) for code in (WRONG, "no", replaced, closed, deleted, used)]
    errors = [answer.json()["error"] | {"request_id": ""} for answer in answers]
    assert errors[0]["code"] == "NOT_FOUND"
    assert errors == [errors[0]] * len(errors)
    assert {answer.status_code for answer in answers} == {404}


async def test_a_retry_opens_the_same_code(host: ApiClient) -> None:
    session_id = await host.created(chess())
    key = {"Idempotency-Key": str(uuid4())}
    first = await open_code(host, session_id, headers=key)
    again = await open_code(host, session_id, headers=key)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_after_ten_wrong_codes_an_address_waits_and_others_do_not(
    host: ApiClient, phone: ApiClient
) -> None:
    code = (await opened(host, await host.created(chess())))["code"]
    for _ in range(MOST_WRONG_OF_ADDRESS):
        assert (await join(phone, WRONG)).status_code == 404
    refused = await join(phone, code)
    assert error_of(refused) == (429, "RATE_LIMIT_EXCEEDED")
    assert 0 < int(refused.headers["Retry-After"]) <= 600
    elsewhere = {"X-Forwarded-For": "203.0.113.9"}
    assert (await join(phone, code, headers=elsewhere)).status_code == 200


async def test_what_a_cohost_opens_ends_with_its_own_token(
    host: ApiClient, phone: ApiClient
) -> None:
    session_id = await host.created(chess())
    cohost = tokens.cohost(session_id, lifetime_s=60)
    answer = await open_code(host, session_id, headers=bearer(cohost))
    code = answer.json()["data"]
    expiry = tokens.claims_of(cohost)["exp"]
    assert code["expires_at"] <= tokens.format_timestamp(int(expiry) + 1)
    given = await joined(phone, code["code"])
    assert tokens.claims_of(given["token"])["exp"] <= expiry


async def test_a_revocation_of_all_tokens_ends_those_of_the_code_and_not_later_ones(
    host: ApiClient, phone: ApiClient
) -> None:
    session_id = await host.created(chess())
    code = (await opened(host, session_id))["code"]
    before = await joined(phone, code)
    revoked = await host.http.delete(f"/v1/sessions/{session_id}/tokens")
    assert revoked.status_code == 204
    after = await joined(phone, code)
    answers = [await phone.get(session_id, bearer(one["token"])) for one in (before, after)]
    assert [answer.status_code for answer in answers] == [401, 200]


async def test_the_host_finds_and_revokes_the_token_of_one_person(
    host: ApiClient, phone: ApiClient
) -> None:
    session_id = await host.created(chess())
    participants = (await host.session(session_id))["participants"]
    code = (await opened(host, session_id, role="participant"))["code"]
    key = {"Idempotency-Key": str(uuid4())}
    ids = [one["participant_id"] for one in participants]
    ada = await joined(phone, code, participant_id=ids[0], headers=key)
    ben = await joined(phone, code, participant_id=ids[1])
    shown = await host.http.get(f"/v1/sessions/{session_id}/join-code")
    tokens_of = {
        one["participant_id"]: one["token_id"]
        for one in check_documented(shown, _code).json()["data"]["joined"]
    }
    assert tokens_of == {ids[0]: ada["token_id"], ids[1]: ben["token_id"]}
    revoked = await host.http.delete(f"/v1/sessions/{session_id}/tokens/{tokens_of[ids[0]]}")
    assert revoked.status_code == 204
    again = await joined(phone, code, participant_id=ids[0], headers=key)
    answers = [await phone.get(session_id, bearer(one["token"])) for one in (ada, again, ben)]
    assert [answer.status_code for answer in answers] == [401, 401, 200]


async def test_a_code_of_a_tenant_leads_to_its_session(guessed_url: str, phone: ApiClient) -> None:
    async with api_client(guessed_url, tokens.host(tenant="acme"), timeout=20) as acme:
        session_id = await acme.created(chess())
        given = await joined(phone, (await opened(acme, session_id))["code"])
    assert tokens.claims_of(given["token"])["tenant"] == "acme"
    assert (await phone.get(session_id, bearer(given["token"]))).status_code == 200


async def test_without_authentication_a_code_gives_the_address_only(api: ApiClient) -> None:
    session_id = await api.created(chess())
    code = (await opened(api, session_id))["code"]
    given = await joined(api, code)
    assert given == {
        "session_id": session_id,
        "role": "spectator",
        "url": f"{api.http.base_url}/?session={session_id}",
    }
    foreign = {"Origin": "https://example.com", "Sec-Fetch-Site": "cross-site"}
    assert error_of(await join(api, code, headers=foreign)) == (403, "FORBIDDEN")


async def test_the_client_library_opens_codes_and_joins(guessed_url: str, host: ApiClient) -> None:
    session_id = await host.created(chess())
    async with SyncKairos(guessed_url, tokens.host()) as alice, SyncKairos(guessed_url) as phone:
        session = alice.session(session_id)
        code = (
            await session.open_join_code(
                {"role": "participant", "newcomers": {"total_time_ms": 60_000}}
            )
        )["code"]
        choice = await phone.join(code)
        free = choice["participants"][0]["participant_id"]
        given = await phone.join(code, participant_id=free)
        assert (await session.join_code())["uses"] == 1
        await session.close_join_code()
        with pytest.raises(ApiError, match="no open join code"):
            await phone.join(code)
    async with SyncKairos(guessed_url, given["token"]) as player:
        found = await player.batch([session_id])
    assert [state["session_id"] for state in found["sessions"]] == [session_id]

"""Concurrent changes of one session are served in order; unauthorized callers delay none."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest

from infra.local.instance import Instance, running
from infra.local.redis import embedded_redis
from shared.application.authorization import Authorization, Caller, Operation, Role, Scope
from shared.application.commit_builder import ChangeContext
from shared.application.errors import SessionNotFound
from shared.application.history import ReplayedStateReader
from shared.application.ports.commit import IdempotencyKey, Origin
from shared.application.session_loader import SessionLoader
from shared.application.session_service import Outcome, SessionService
from shared.application.store_clock import StoreClock
from shared.auth.rate_limits import RequestRateLimit
from shared.domain.commands import Create, NewParticipant, Pause, Resume, Start, Switch
from shared.domain.session import SyncMode
from shared.domain.units import Millis
from shared.store.keys import StoreKeys
from shared.store.outbox import RedisOutbox
from shared.store.redis import NativeConnection
from shared.store.sessions import RedisSessionStore
from tests.support import tokens
from tests.support.api import ApiClient, api_client, chess
from tests.support.raw_http import ConnectionEnd, raw_connection, request_head
from tests.support.tokens import WITH_AUTHENTICATION, bearer

_SESSION = "5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10"
_CALLERS = 200
_UNAUTHORIZED = 250
"""Few enough that the burst doesn't overload an instance, which would answer 503."""
_EXPECTED_ERRORS = {"INVALID_STATE_TRANSITION"}


@pytest.fixture(scope="module")
def instance_pair() -> Iterator[tuple[Instance, Instance]]:
    """Two instances on one Redis that require tokens."""
    settings: Any = WITH_AUTHENTICATION | {"RATE_LIMIT_GENERAL": "0", "RATE_LIMIT_SWITCH": "0"}
    with (
        embedded_redis() as redis_url,
        running(redis_url, **settings) as one,
        running(redis_url, **settings) as two,
    ):
        yield one, two


@pytest.fixture
async def owner(instance_pair: tuple[Instance, Instance]) -> AsyncIterator[ApiClient]:
    """Client with the token of the host who owns the sessions."""
    async with api_client(instance_pair[0].url, tokens.host(), timeout=20) as api:
        yield api


def _change_of(number: int, participant_id: str) -> tuple[str, str, Any]:
    """Return one of four kinds of change: method, end of the path, and body."""
    adjust = ("PATCH", f"participants/{participant_id}", {"total_time_ms": 60_000})
    kinds = (("POST", "switch", None), ("POST", "pause", None), ("POST", "resume", None), adjust)
    return kinds[number % len(kinds)]


async def _send(
    instance: Instance, session_id: str, change: tuple[str, str, Any], token: str
) -> ConnectionEnd:
    """Send a change on its own connection and return the answer."""
    method, path, value = change
    body = b"" if value is None else json.dumps(value).encode()
    headers = {**bearer(token), "Connection": "close", "Content-Length": str(len(body))}
    async with raw_connection(instance) as connection:
        await connection.send(
            request_head(method, f"/v1/sessions/{session_id}/{path}", **headers) + body
        )
        return await connection.end()


@pytest.mark.parametrize("instances", [1, 2])
async def test_concurrent_changes_of_many_callers_are_all_served(
    instance_pair: tuple[Instance, Instance], owner: ApiClient, instances: int
) -> None:
    body = chess()
    session_id = await owner.started(body)
    player = body["participants"][0]["participant_id"]
    answers = await asyncio.gather(
        *(
            _send(
                instance_pair[n % instances], session_id, _change_of(n, player), _backend_token(n)
            )
            for n in range(_CALLERS)
        )
    )
    refused = [a.body["error"]["code"] for a in answers if a.status != 200]
    assert not [a.body["error"]["message"] for a in answers if a.status == 503]
    assert Counter(refused).keys() <= _EXPECTED_ERRORS
    versions = [a.body["data"]["version"] for a in answers if a.status == 200]
    assert len(versions) >= _CALLERS / 4
    assert sorted(versions) == list(range(3, 3 + len(versions)))
    assert (await owner.session(session_id))["version"] == 2 + len(versions)


async def test_unauthorized_callers_make_no_authorized_change_fail(
    instance_pair: tuple[Instance, Instance], owner: ApiClient
) -> None:
    session_id = await owner.started(chess())
    switch = ("POST", "switch", None)
    unauthorized = [tokens.host(f"unauthorized-{n}") for n in range(_UNAUTHORIZED)]
    refused, authorized = await asyncio.gather(
        asyncio.gather(
            *(
                _send(instance_pair[n % 2], session_id, switch, t)
                for n, t in enumerate(unauthorized)
            )
        ),
        asyncio.gather(
            *(_send(instance_pair[n % 2], session_id, switch, _backend_token(n)) for n in range(50))
        ),
    )
    assert {answer.status for answer in refused} == {404}
    assert {answer.status for answer in authorized} == {200}


def _backend_token(number: int) -> str:
    """Return a token of one of many callers with the role `service`."""
    return tokens.signed(tokens.claims("service", f"caller-{number}"))


class _Service:
    """A service on the test's own Redis, with a connection that counts round trips."""

    def __init__(self, url: str) -> None:
        self.connection = _CountingConnection(url)
        store = RedisSessionStore(self.connection, StoreKeys(), StoreClock())
        outbox = RedisOutbox(self.connection, StoreKeys())
        self.service = SessionService(
            store, SessionLoader(store), ReplayedStateReader(store, outbox, None)
        )

    async def create(self, authorization: Authorization) -> None:
        """Create and start the session `_SESSION`."""
        players = tuple(
            NewParticipant(f"0c0e5a3e-58cf-4c5c-8a34-5a5a2b6d1f0{n}", total_time_ms=Millis(60_000))
            for n in range(2)
        )
        spec = Create(_SESSION, SyncMode.PER_PARTICIPANT, players)
        await self.service.create(authorization, spec, _request())
        await self.service.change(authorization, _SESSION, Start(), _request())

    async def switch(self, authorization: Authorization) -> Outcome:
        """Switch that session once."""
        return await self.service.change(authorization, _SESSION, Switch(), _request())


class _CountingConnection(NativeConnection):
    round_trips = 0

    async def ask(self, commands: Any) -> Any:
        self.round_trips += 1
        return await super().ask(commands)

    async def run(self, script: Any, keys: Any, arguments: Any) -> Any:
        self.round_trips += 1
        return await super().run(script, keys, arguments)


@pytest.fixture
async def service(own_redis_url: str) -> AsyncIterator[_Service]:
    service = _Service(own_redis_url)
    yield service
    await service.connection.close()


def _request(key: IdempotencyKey | None = None) -> ChangeContext:
    return ChangeContext(Origin("test"), key=key)


def _permit(
    subject: str, role: Role = Role.SERVICE, reach: Scope = Scope.ANYWHERE
) -> Authorization:
    return Authorization(Caller(role, subject), Operation.SWITCH, reach, RequestRateLimit())


_BACKEND = _permit("backend")


def _version(outcome: Outcome) -> int | None:
    return outcome.result.session.version if outcome.result else None


def _versions(outcomes: Sequence[Outcome]) -> list[int | None]:
    return [_version(outcome) for outcome in outcomes]


async def test_a_change_takes_two_round_trips_to_the_store(service: _Service) -> None:
    await service.create(_BACKEND)
    service.connection.round_trips = 0
    await service.switch(_BACKEND)
    assert service.connection.round_trips == 2


async def test_queued_changes_of_one_instance_cause_no_version_conflicts(service: _Service) -> None:
    await service.create(_BACKEND)
    service.connection.round_trips = 0
    callers = [_permit(f"caller-{n}") for n in range(_CALLERS)]
    outcomes = await asyncio.gather(*map(service.switch, callers))
    assert sorted(v or 0 for v in _versions(outcomes)) == list(range(3, 3 + _CALLERS))
    assert service.connection.round_trips == 2 * _CALLERS


async def test_changes_are_made_in_the_order_in_which_they_joined_the_queue(
    service: _Service,
) -> None:
    """The permit is checked before a change joins the queue and again at its turn; the first check
    shows the order of joining."""
    await service.create(_BACKEND)
    joined: list[str] = []

    class RecordingPermit(Authorization, frozen=True):
        def check(self, session: Any, command: Any = None) -> None:
            assert self.caller.subject
            if self.caller.subject not in joined:
                joined.append(self.caller.subject)
            super().check(session, command)

    async def switch(number: int) -> tuple[str, int | None]:
        caller = Caller(Role.SERVICE, f"caller-{number}")
        authorization = RecordingPermit(
            caller, Operation.SWITCH, Scope.ANYWHERE, RequestRateLimit()
        )
        return f"caller-{number}", _version(await service.switch(authorization))

    results = await asyncio.gather(*map(switch, range(_CALLERS)))
    assert [name for name, _ in sorted(results, key=lambda r: r[1] or 0)] == joined


async def test_an_unauthorized_caller_is_refused_at_once_while_others_wait(
    service: _Service,
) -> None:
    owner = _permit("owner", Role.HOST, Scope.OWN)
    await service.create(owner)
    async with service.service._turns.of(_SESSION):
        waiting = asyncio.create_task(service.switch(owner))
        for n in range(_UNAUTHORIZED):
            with pytest.raises(SessionNotFound):
                await service.switch(_permit(f"unauthorized-{n}", Role.HOST, Scope.OWN))
        assert not waiting.done()
    await waiting


async def test_a_queued_change_is_authorized_against_the_state_that_the_one_before_it_left(
    service: _Service,
) -> None:
    await service.create(_BACKEND)
    second = "0c0e5a3e-58cf-4c5c-8a34-5a5a2b6d1f01"
    caller = Caller(Role.PARTICIPANT, None, None, _SESSION, second)
    authorization = Authorization(caller, Operation.SWITCH, Scope.WHILE_ACTIVE, RequestRateLimit())
    async with service.service._turns.of(_SESSION):
        first = asyncio.create_task(service.switch(_BACKEND))
        await _wait_until_queued(service, 2)
        next_change = asyncio.create_task(service.switch(authorization))
        await _wait_until_queued(service, 3)
    assert _versions(await asyncio.gather(first, next_change)) == [3, 4]


async def _wait_until_queued(service: _Service, length: int) -> None:
    async with asyncio.timeout(30):
        while service.service._turns._queues[_SESSION].length < length:
            await asyncio.sleep(0.001)


async def test_a_retry_queued_behind_the_first_attempt_gets_its_answer(service: _Service) -> None:
    """Even if the state after the first attempt doesn't allow the change again."""
    await service.create(_BACKEND)
    key = IdempotencyKey(_SESSION, "key", "fingerprint")

    async def pause() -> Outcome:
        return await service.service.change(_BACKEND, _SESSION, Pause(), _request(key))

    async with service.service._turns.of(_SESSION):
        attempts = [asyncio.create_task(pause()) for _ in range(3)]
        await _wait_until_queued(service, 4)
    outcomes = await asyncio.gather(*attempts)
    assert _versions(outcomes) == [3, 3, 3]
    assert [outcome.replayed for outcome in outcomes] == [False, True, True]


async def test_a_queued_change_sees_the_changes_of_another_instance(
    service: _Service, own_redis_url: str
) -> None:
    other = _Service(own_redis_url)
    await service.create(_BACKEND)
    async with service.service._turns.of(_SESSION):
        waiting = asyncio.create_task(service.switch(_BACKEND))
        await _wait_until_queued(service, 2)
        await other.service.change(_BACKEND, _SESSION, Pause(), _request())
        await other.service.change(_BACKEND, _SESSION, Resume(), _request())
    assert _version(await waiting) == 5
    await other.connection.close()


async def test_four_instances_serve_all_concurrent_changes(
    service: _Service, own_redis_url: str
) -> None:
    await service.create(_BACKEND)
    fleet = [service, *(_Service(own_redis_url) for _ in range(3))]
    outcomes = await asyncio.gather(
        *(fleet[n % 4].switch(_permit(f"caller-{n}")) for n in range(_CALLERS))
    )
    assert sorted(v or 0 for v in _versions(outcomes)) == list(range(3, 3 + _CALLERS))
    for other in fleet[1:]:
        await other.connection.close()

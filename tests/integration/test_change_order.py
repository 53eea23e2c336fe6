"""Many callers change one session at once: all who have the right are served, in their order."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest

from infra.local.instance import Instance, running
from infra.local.redis import embedded_redis
from shared.access.allowance import Allowance
from shared.access.callers import Caller, Role
from shared.access.permits import Permit
from shared.access.rights import Operation, Reach
from shared.clock import StoreClock
from shared.current_state import CurrentState
from shared.domain.commands import Create, NewParticipant, Pause, Resume, Start, Switch
from shared.domain.session import SyncMode
from shared.domain.units import Millis
from shared.drafts import Request
from shared.errors import SessionNotFound
from shared.ports import IdempotencyKey, Origin
from shared.recall import Recall
from shared.session_service import Outcome, SessionService
from shared.store.keys import Keys
from shared.store.outbox import RedisOutbox
from shared.store.redis import NativeConnection
from shared.store.sessions import RedisSessionStore
from tests.support import tokens
from tests.support.api import ApiClient, api_client, chess
from tests.support.raw_http import ConnectionEnd, raw_connection, request_head
from tests.support.tokens import WITH_AUTHENTICATION, bearer

_SESSION = "5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10"
_CALLERS = 200
_INTRUDERS = 500
_RULES = {"INVALID_STATE_TRANSITION"}


@pytest.fixture(scope="module")
def guarded_pair() -> Iterator[tuple[Instance, Instance]]:
    """Two instances that ask for tokens, on one Redis."""
    settings: Any = WITH_AUTHENTICATION | {"RATE_LIMIT_GENERAL": "0", "RATE_LIMIT_SWITCH": "0"}
    with (
        embedded_redis() as redis_url,
        running(redis_url, **settings) as one,
        running(redis_url, **settings) as two,
    ):
        yield one, two


@pytest.fixture
async def owner(guarded_pair: tuple[Instance, Instance]) -> AsyncIterator[ApiClient]:
    """A client with the token of the host who owns the sessions."""
    async with api_client(guarded_pair[0].url, tokens.host(), timeout=20) as api:
        yield api


def _change_of(number: int, participant_id: str) -> tuple[str, str, Any]:
    """One of four kinds of change: method, the path's end and body."""
    adjusting = ("PATCH", f"participants/{participant_id}", {"total_time_ms": 60_000})
    kinds = (("POST", "switch", None), ("POST", "pause", None), ("POST", "resume", None), adjusting)
    return kinds[number % len(kinds)]


async def _asked(
    instance: Instance, session_id: str, change: tuple[str, str, Any], token: str
) -> ConnectionEnd:
    """What becomes of a change, on a connection of its own."""
    method, path, value = change
    body = b"" if value is None else json.dumps(value).encode()
    headers = {**bearer(token), "Connection": "close", "Content-Length": str(len(body))}
    async with raw_connection(instance) as connection:
        await connection.send(
            request_head(method, f"/v1/sessions/{session_id}/{path}", **headers) + body
        )
        return await connection.end()


@pytest.mark.parametrize("instances", [1, 2])
async def test_two_hundred_callers_who_change_one_session_at_once_are_all_served(
    guarded_pair: tuple[Instance, Instance], owner: ApiClient, instances: int
) -> None:
    body = chess()
    session_id = await owner.started(body)
    player = body["participants"][0]["participant_id"]
    answers = await asyncio.gather(
        *(
            _asked(guarded_pair[n % instances], session_id, _change_of(n, player), _backend(n))
            for n in range(_CALLERS)
        )
    )
    refused = [a.body["error"]["code"] for a in answers if a.status != 200]
    assert not [a.body["error"]["message"] for a in answers if a.status == 503]
    assert Counter(refused).keys() <= _RULES
    made = [a.body["data"]["version"] for a in answers if a.status == 200]
    assert len(made) >= _CALLERS / 4
    assert sorted(made) == list(range(3, 3 + len(made)))
    assert (await owner.session(session_id))["version"] == 2 + len(made)


async def test_five_hundred_callers_without_the_right_make_nobody_fail_who_has_it(
    guarded_pair: tuple[Instance, Instance], owner: ApiClient
) -> None:
    session_id = await owner.started(chess())
    switch = ("POST", "switch", None)
    intruders = [tokens.host(f"intruder-{n}") for n in range(_INTRUDERS)]
    refused, served = await asyncio.gather(
        asyncio.gather(
            *(_asked(guarded_pair[n % 2], session_id, switch, t) for n, t in enumerate(intruders))
        ),
        asyncio.gather(
            *(_asked(guarded_pair[n % 2], session_id, switch, _backend(n)) for n in range(50))
        ),
    )
    assert {answer.status for answer in refused} == {404}
    assert {answer.status for answer in served} == {200}


def _backend(number: int) -> str:
    """A token for one of many callers who may do everything."""
    return tokens.signed(tokens.claims("service", f"caller-{number}"))


class _Served:
    """A service on a Redis of the test's own, and how often its store was asked."""

    def __init__(self, url: str) -> None:
        self.connection = _Counting(url)
        store = RedisSessionStore(self.connection, Keys(), StoreClock())
        outbox = RedisOutbox(self.connection, Keys())
        self.service = SessionService(store, CurrentState(store), Recall(store, outbox, None))

    async def create(self, permit: Permit) -> None:
        """The session that every test here is about, started."""
        players = tuple(
            NewParticipant(f"0c0e5a3e-58cf-4c5c-8a34-5a5a2b6d1f0{n}", total_time_ms=Millis(60_000))
            for n in range(2)
        )
        spec = Create(_SESSION, SyncMode.PER_PARTICIPANT, players)
        await self.service.create(permit, spec, _request())
        await self.service.change(permit, _SESSION, Start(), _request())

    async def switch(self, permit: Permit) -> Outcome:
        """One switch of it."""
        return await self.service.change(permit, _SESSION, Switch(), _request())


class _Counting(NativeConnection):
    """Counts its round trips."""

    trips = 0

    async def ask(self, commands: Any) -> Any:
        self.trips += 1
        return await super().ask(commands)

    async def run(self, script: Any, keys: Any, arguments: Any) -> Any:
        self.trips += 1
        return await super().run(script, keys, arguments)


@pytest.fixture
async def served(own_redis_url: str) -> AsyncIterator[_Served]:
    """One service."""
    served = _Served(own_redis_url)
    yield served
    await served.connection.close()


def _request(key: IdempotencyKey | None = None) -> Request:
    return Request(Origin("test"), key=key)


def _permit(subject: str, role: Role = Role.SERVICE, reach: Reach = Reach.ANYWHERE) -> Permit:
    return Permit(Caller(role, subject), Operation.SWITCH, reach, Allowance())


_BACKEND = _permit("backend")


def _version(outcome: Outcome) -> int | None:
    return outcome.done.session.version if outcome.done else None


def _versions(outcomes: Sequence[Outcome]) -> list[int | None]:
    return [_version(outcome) for outcome in outcomes]


async def test_one_change_at_a_time_takes_two_round_trips(served: _Served) -> None:
    await served.create(_BACKEND)
    served.connection.trips = 0
    await served.switch(_BACKEND)
    assert served.connection.trips == 2


async def test_changes_that_wait_in_one_instance_never_race_each_other(served: _Served) -> None:
    await served.create(_BACKEND)
    served.connection.trips = 0
    callers = [_permit(f"caller-{n}") for n in range(_CALLERS)]
    outcomes = await asyncio.gather(*map(served.switch, callers))
    assert sorted(v or 0 for v in _versions(outcomes)) == list(range(3, 3 + _CALLERS))
    assert served.connection.trips == 2 * _CALLERS


async def test_changes_are_made_in_the_order_in_which_they_were_let_in(served: _Served) -> None:
    """The permit is asked before a change joins the queue and at its turn: the first time tells
    the order of joining."""
    await served.create(_BACKEND)
    joined: list[str] = []

    class Noted(Permit):
        def check(self, session: Any) -> None:
            assert self.caller.subject
            if self.caller.subject not in joined:
                joined.append(self.caller.subject)
            super().check(session)

    async def switch(number: int) -> tuple[str, int | None]:
        caller = Caller(Role.SERVICE, f"caller-{number}")
        permit = Noted(caller, Operation.SWITCH, Reach.ANYWHERE, Allowance())
        return f"caller-{number}", _version(await served.switch(permit))

    made = await asyncio.gather(*map(switch, range(_CALLERS)))
    assert [name for name, _ in sorted(made, key=lambda m: m[1] or 0)] == joined


async def test_a_caller_without_the_right_is_refused_while_others_wait(served: _Served) -> None:
    owner = _permit("owner", Role.HOST, Reach.OWN)
    await served.create(owner)
    async with served.service._turns.of(_SESSION):
        waiting = asyncio.create_task(served.switch(owner))
        for n in range(_INTRUDERS):
            with pytest.raises(SessionNotFound):
                await served.switch(_permit(f"intruder-{n}", Role.HOST, Reach.OWN))
        assert not waiting.done()
    await waiting


async def test_a_participant_who_waits_is_judged_on_what_the_change_before_it_has_left(
    served: _Served,
) -> None:
    await served.create(_BACKEND)
    second = "0c0e5a3e-58cf-4c5c-8a34-5a5a2b6d1f01"
    caller = Caller(Role.PARTICIPANT, None, None, _SESSION, second)
    permit = Permit(caller, Operation.SWITCH, Reach.ON_MOVE, Allowance())
    async with served.service._turns.of(_SESSION):
        first = asyncio.create_task(served.switch(_BACKEND))
        await _until_waiting(served, 2)
        then = asyncio.create_task(served.switch(permit))
        await _until_waiting(served, 3)
    assert _versions(await asyncio.gather(first, then)) == [3, 4]


async def _until_waiting(served: _Served, length: int) -> None:
    while served.service._turns._lines[_SESSION].length < length:
        await asyncio.sleep(0.001)


async def test_a_retry_that_waits_behind_its_first_try_gets_that_answer(served: _Served) -> None:
    """Even where the state that the first try has left doesn't allow the change again."""
    await served.create(_BACKEND)
    key = IdempotencyKey(_SESSION, "key", "fingerprint")

    async def pause() -> Outcome:
        return await served.service.change(_BACKEND, _SESSION, Pause(), _request(key))

    async with served.service._turns.of(_SESSION):
        tries = [asyncio.create_task(pause()) for _ in range(3)]
        await _until_waiting(served, 4)
    outcomes = await asyncio.gather(*tries)
    assert _versions(outcomes) == [3, 3, 3]
    assert [outcome.replayed for outcome in outcomes] == [False, True, True]


async def test_a_change_that_waits_sees_what_another_instance_did_meanwhile(
    served: _Served, own_redis_url: str
) -> None:
    other = _Served(own_redis_url)
    await served.create(_BACKEND)
    async with served.service._turns.of(_SESSION):
        waiting = asyncio.create_task(served.switch(_BACKEND))
        await _until_waiting(served, 2)
        await other.service.change(_BACKEND, _SESSION, Pause(), _request())
        await other.service.change(_BACKEND, _SESSION, Resume(), _request())
    assert _version(await waiting) == 5
    await other.connection.close()


async def test_four_instances_that_race_serve_every_change(
    served: _Served, own_redis_url: str
) -> None:
    await served.create(_BACKEND)
    fleet = [served, *(_Served(own_redis_url) for _ in range(3))]
    outcomes = await asyncio.gather(
        *(fleet[n % 4].switch(_permit(f"caller-{n}")) for n in range(_CALLERS))
    )
    assert sorted(v or 0 for v in _versions(outcomes)) == list(range(3, 3 + _CALLERS))
    for other in fleet[1:]:
        await other.connection.close()

"""A list over the store alone: its cost, its bounds, and the live sessions that meet a filter."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from shared.application import session_list
from shared.application.authorization import Caller, Operation, Role, authorize
from shared.application.commit_builder import ChangeContext, build_commit
from shared.application.errors import Forbidden
from shared.application.ports.commit import Commit, Committed, Origin
from shared.application.ports.listed_sessions import ListPosition, ListSpan, SessionFilter
from shared.application.ports.session_store import SessionStore
from shared.application.session_list import SessionList
from shared.application.store_clock import StoreClock
from shared.auth.rate_limits import RequestRateLimit
from shared.domain.commands import Cancel, Create
from shared.domain.creation import create
from shared.domain.errors import RuleViolation
from shared.domain.session import SyncMode
from shared.domain.transition import transition
from shared.domain.units import Instant, Millis
from shared.store.connection import StoreConnection
from shared.store.keys import StoreKeys
from shared.store.session_index import RedisSessionIndex
from tests.support.measured_connection import MeasuredConnection

_CREATED = Instant(2_000_000_000_000)
_CONTEXT = ChangeContext(Origin("host"))
_ROOM_A = SessionFilter(metadata={"room": ("a",)})


@pytest.fixture
def measured(connection: StoreConnection) -> MeasuredConnection:
    """The connection of the list, which counts its round trips."""
    return MeasuredConnection(connection)


@pytest.fixture
def sessions(measured: MeasuredConnection, keys: StoreKeys) -> SessionList:
    """The list under test, without an audit trail."""
    return SessionList(RedisSessionIndex(measured, keys, StoreClock()), None)


def ada(operation: Operation = Operation.LIST, **caller: Any) -> Any:
    """Return the authorization of the host Ada, or of another caller."""
    who = {"role": Role.HOST, "subject": "ada", **caller}
    return authorize(Caller(**who), operation, None, RequestRateLimit())


def creation(number: int, room: str = "a") -> Commit:
    """Return the commit that creates a session of Ada's, later than those with lower numbers."""
    spec = Create(
        str(uuid4()),
        SyncMode.GLOBAL,
        total_time_ms=Millis(60_000),
        metadata={"room": room},
        owner="ada",
    )
    at = Instant(_CREATED + number)
    return build_commit(None, [create(spec, at)], at, _CONTEXT).commit


async def committed(store: SessionStore, *commits: Commit) -> list[str]:
    """Make the commits; return the sessions' ids, the newest first."""
    assert set(await asyncio.gather(*map(store.commit, commits))) == {Committed()}
    return [commit.name for commit in reversed(commits)]


async def test_a_page_takes_two_round_trips(
    store: SessionStore, sessions: SessionList, measured: MeasuredConnection
) -> None:
    names = await committed(store, *map(creation, range(5)))
    page = await sessions.page(ada(), SessionFilter(), ListSpan(3))
    assert [one.session_id for one in page.sessions] == names[:3]
    assert page.following == page.sessions[-1].position
    assert measured.round_trips == 2
    page = await sessions.page(ada(), SessionFilter(), ListSpan(3, page.following))
    assert [one.session_id for one in page.sessions] == names[3:]
    assert page.following is None


async def test_a_page_examines_a_bounded_number_of_sessions(
    store: SessionStore,
    sessions: SessionList,
    measured: MeasuredConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A page may be empty although more follow. Reading on finds the only session in the room."""
    monkeypatch.setattr(session_list, "MAX_EXAMINED", 12)
    monkeypatch.setattr(session_list, "_BATCH", 4)
    (wanted,) = await committed(store, creation(0))
    await committed(store, *(creation(n, "b") for n in range(1, 16)))
    page = await sessions.page(ada(), _ROOM_A, ListSpan(10))
    assert page.sessions == []
    assert measured.round_trips == 6
    assert page.following
    page = await sessions.page(ada(), _ROOM_A, ListSpan(10, page.following))
    assert [one.session_id for one in page.sessions] == [wanted]
    assert page.following is None


async def test_live_sessions_are_selected_by_metadata(
    store: SessionStore, sessions: SessionList, measured: MeasuredConnection
) -> None:
    created = [creation(n, "ab"[n % 2]) for n in range(4)]
    names = await committed(store, *created)
    ended = created[0].stored
    assert ended
    change = transition(ended.session, Cancel(), Instant(_CREATED + 10))
    await committed(store, build_commit(ended, [change], change.occurred_at, _CONTEXT).commit)
    assert await sessions.live(ada(), _ROOM_A) == [names[1]]
    assert await sessions.live(ada(role=Role.SERVICE), SessionFilter()) == names[:3]
    assert await sessions.live(ada(subject="bob"), SessionFilter()) == []


async def test_live_sessions_are_not_selected_among_too_many(
    store: SessionStore, sessions: SessionList, monkeypatch: pytest.MonkeyPatch
) -> None:
    await committed(store, *map(creation, range(4)))
    monkeypatch.setattr(session_list, "MAX_LIVE", 4)
    assert len(await sessions.live(ada(), _ROOM_A)) == 4
    monkeypatch.setattr(session_list, "MAX_LIVE", 3)
    with pytest.raises(RuleViolation) as refused:
        await sessions.live(ada(), _ROOM_A)
    assert [violation.field for violation in refused.value.violations] == ["metadata"]


@pytest.mark.parametrize("role", [Role.PARTICIPANT, Role.SPECTATOR])
def test_a_token_of_one_session_gives_no_list(role: Role) -> None:
    with pytest.raises(Forbidden):
        ada(role=role, session_id=str(uuid4()))


async def test_a_host_can_ask_only_for_its_own_sessions(sessions: SessionList) -> None:
    assert (await sessions.page(ada(), SessionFilter(), ListSpan(1), owner="ada")).sessions == []
    before = ListPosition(_CREATED, str(uuid4()))
    with pytest.raises(Forbidden):
        await sessions.page(ada(), SessionFilter(), ListSpan(1, before), owner="bob")

"""While Redis is out of memory, sessions can end and be deleted; other changes are retried."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from functions.workers.deadline_loop import DeadlineLoop
from shared.application.authorization import (
    UNAUTHENTICATED_CALLER,
    Authorization,
    Operation,
    authorize,
)
from shared.application.commit_builder import ChangeContext, build_commit
from shared.application.errors import StoreUnavailable
from shared.application.event_loop import cancel_and_wait
from shared.application.ports.commit import Committed, Origin
from shared.application.ports.session_store import Wakeup
from shared.application.store_clock import StoreClock
from shared.auth.rate_limits import RateLimiter, RateLimits
from shared.composition.backend import Backend, build_backend
from shared.domain.commands import Complete, Create, Delete, NewParticipant, Start, Switch
from shared.domain.creation import create
from shared.domain.session import Session, Status, SyncMode, TimeoutAction, TimeoutKind
from shared.domain.transition import transition
from shared.domain.units import Instant, Millis
from shared.observability.prometheus import PrometheusMetrics
from shared.settings.settings import Settings
from tests.support.native_redis import native_connection_of

Fill = Callable[[], Awaitable[None]]
_REQUEST = ChangeContext(Origin("host"))


@pytest.fixture
async def backend(redis: Redis) -> Backend:
    """The service on the Redis under test, without its own audit worker."""
    settings = Settings(audit_worker="off")
    return build_backend(settings, native_connection_of(redis), None, clock=StoreClock())


def permit_for(operation: Operation, session_id: str) -> Authorization:
    """Return a permit for an anonymous caller to do `operation`."""
    rate_limit = RateLimiter(RateLimits()).for_request(
        UNAUTHENTICATED_CALLER, "127.0.0.1", operation, None
    )
    return authorize(UNAUTHENTICATED_CALLER, operation, session_id, rate_limit)


async def start_session(backend: Backend, kind: TimeoutKind, ago_ms: int = 0) -> Session:
    """Store a session that was started `ago_ms` ago with cycles of one second; return it."""
    now = await backend.store.time()
    spec = Create(
        str(uuid4()),
        SyncMode.PER_CYCLE,
        tuple(NewParticipant(str(uuid4())) for _ in range(2)),
        time_per_cycle_ms=Millis(1_000),
        action_on_timeout=TimeoutAction(kind),
    )
    began = Instant(now - ago_ms)
    created = create(spec, began)
    started = transition(created.session, Start(), began)
    written = build_commit(None, [created, started], began, _REQUEST).commit
    assert await backend.store.commit(written) == Committed()
    return started.session


async def claim_wakeup(backend: Backend, session: Session) -> Wakeup:
    """Claim the session's wake-up; return the claim."""
    (agenda,) = await backend.store.due_wakeups(10)
    (wakeup,) = [w for w in agenda.wakeups if w.name == session.name]
    (claim,) = await backend.store.claim([wakeup], Instant(wakeup.at + 60_000))
    return claim


async def check_postponed(
    backend: Backend, session: Session, delay_ms: int, began: Instant
) -> None:
    """Assert that the session's wake-up can't be handled and is postponed by `delay_ms`.

    The delay may be longer by the time since `began`, by which the wake-up is more overdue.
    """
    claim, before = await claim_wakeup(backend, session), await backend.store.time()
    with pytest.raises(StoreUnavailable):
        await backend.wakeups.handle_deadline(claim)
    (agenda,) = await backend.store.due_wakeups(10)
    (at,) = [wakeup.at for wakeup in agenda.wakeups if wakeup.name == session.name]
    assert before + delay_ms <= at <= agenda.now + delay_ms + (agenda.now - began)


async def test_an_expiry_that_ends_the_session_is_applied_and_any_other_is_postponed(
    backend: Backend, fill: Fill
) -> None:
    began = await backend.store.time()
    ending = await start_session(backend, TimeoutKind.END_SESSION, ago_ms=1_500)
    continuing = await start_session(backend, TimeoutKind.SKIP_CYCLE, ago_ms=1_500)
    await fill()
    await backend.wakeups.handle_deadline(await claim_wakeup(backend, ending))
    stored = (await backend.store.load(ending.name)).stored
    assert stored
    assert stored.session.status is Status.EXPIRED
    await check_postponed(backend, continuing, 1_000, began)


@pytest.mark.parametrize(("overdue_ms", "delay_ms"), [(4_000, 4_000), (600_000, 8_000)])
async def test_the_retry_delay_grows_with_the_overdue_time_up_to_a_maximum(
    backend: Backend, fill: Fill, overdue_ms: int, delay_ms: int
) -> None:
    began = await backend.store.time()
    session = await start_session(backend, TimeoutKind.SKIP_CYCLE, ago_ms=1_000 + overdue_ms)
    await fill()
    await check_postponed(backend, session, delay_ms, began)


async def test_the_deadline_loop_backs_off_and_applies_expiries_once_there_is_memory(
    backend: Backend, redis: Redis, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = [
        await start_session(backend, TimeoutKind.SKIP_CYCLE, ago_ms=1_000) for _ in range(10)
    ]
    attempts: Counter[str] = Counter()
    handle = backend.wakeups.handle_deadline

    async def counting_handle(claim: Wakeup) -> None:
        attempts[claim.name] += 1
        await handle(claim)

    monkeypatch.setattr(backend.wakeups, "handle_deadline", counting_handle)
    await fill()
    metrics = PrometheusMetrics(per_tenant=False)
    loop = DeadlineLoop(backend.store, backend.wakeups, backend.clock, metrics)
    task = asyncio.create_task(loop.run())
    async with asyncio.timeout(30):
        while set(attempts) != {session.name for session in sessions}:
            await asyncio.sleep(0.01)
    event_loop = asyncio.get_running_loop()
    began = event_loop.time()
    await asyncio.sleep(2.2)  # real time, because the test counts the attempts
    assert max(attempts.values()) <= 2 + (event_loop.time() - began)
    await redis.config_set("maxmemory", 0)
    async with asyncio.timeout(30):
        while any([await is_expiry_pending(backend, session) for session in sessions]):
            await asyncio.sleep(0.05)
    await cancel_and_wait([task])
    stored = (await backend.store.load(sessions[0].name)).stored
    assert stored
    # Each expiry took effect at its exact deadline, although it was written later.
    moved_ms = (stored.session.cycle_started_at or 0) - (sessions[0].cycle_started_at or 0)
    assert (moved_ms % 1_000, moved_ms // 1_000) == (0, stored.session.cycle_number - 1)


async def is_expiry_pending(backend: Backend, session: Session) -> bool:
    """Return whether the session's first expiry hasn't been applied yet."""
    stored = (await backend.store.load(session.name)).stored
    return stored is None or stored.session.version == session.version


async def test_sessions_can_be_completed_and_deleted_while_other_changes_are_refused(
    backend: Backend, fill: Fill
) -> None:
    first = await start_session(backend, TimeoutKind.NOTIFY)
    second = await start_session(backend, TimeoutKind.NOTIFY)
    await fill()
    service = backend.service
    with pytest.raises(StoreUnavailable):
        await service.change(
            permit_for(Operation.SWITCH, first.session_id), first.session_id, Switch(), _REQUEST
        )
    await service.change(
        permit_for(Operation.COMPLETE, first.session_id), first.session_id, Complete(), _REQUEST
    )
    await service.change(
        permit_for(Operation.DELETE, second.session_id), second.session_id, Delete(), _REQUEST
    )
    assert (await backend.store.statistics()).live_sessions == 0


async def test_a_session_with_many_due_changes_can_be_deleted(backend: Backend, fill: Fill) -> None:
    session = await start_session(backend, TimeoutKind.SKIP_CYCLE, ago_ms=600_000)
    await fill()
    permitted = permit_for(Operation.DELETE, session.session_id)
    await backend.service.change(permitted, session.session_id, Delete(), _REQUEST)
    loaded = await backend.store.load(session.name)
    assert loaded.is_deleted


async def test_no_audit_entries_are_written_without_an_audit_trail(redis: Redis) -> None:
    connection = native_connection_of(redis)
    for settings, written in [
        (Settings(), 0),
        (Settings(audit_worker="off"), 2),
    ]:
        backend = build_backend(settings, connection, None, clock=StoreClock())
        before = (await backend.store.statistics()).outbox_length
        await start_session(backend, TimeoutKind.NOTIFY)
        assert (await backend.store.statistics()).outbox_length == before + written

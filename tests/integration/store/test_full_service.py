"""What the service does while its Redis is out of memory, and when it has some again."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from functions.workers.deadline_loop import DeadlineLoop
from shared.access.allowance import RateLimiter, Rates
from shared.access.callers import ANYBODY
from shared.access.permits import Permit, permit
from shared.access.rights import Operation
from shared.clock import StoreClock
from shared.composition.backend import Backend, assemble
from shared.domain.commands import Complete, Create, Delete, NewParticipant, Start, Switch
from shared.domain.creation import create
from shared.domain.session import Session, Status, SyncMode, TimeoutAction, TimeoutKind
from shared.domain.transition import transition
from shared.domain.units import Instant, Millis
from shared.drafts import Request, draft
from shared.errors import StoreUnavailable
from shared.observability.prometheus import PrometheusMetrics
from shared.ports import Committed, Origin, Wakeup
from shared.settings.settings import Settings
from shared.tasks import end
from tests.support.native_redis import native_connection_of

Fill = Callable[[], Awaitable[None]]
_REQUEST = Request(Origin("host"))


@pytest.fixture
async def backend(redis: Redis) -> Backend:
    """The service on the Redis under test; its audit entries are for another process."""
    settings = Settings(audit_worker="off")
    return assemble(settings, native_connection_of(redis), None, clock=StoreClock())


def may(operation: Operation, session_id: str) -> Permit:
    """What lets anybody do `operation`."""
    allowance = RateLimiter(Rates()).allowance(ANYBODY, "127.0.0.1", operation, None)
    return permit(ANYBODY, operation, session_id, allowance)


async def running(backend: Backend, kind: TimeoutKind, ago_ms: int = 0) -> Session:
    """A session that was started `ago_ms` ago with a clock of a second, as the store has it."""
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
    written = draft(None, [created, started], began, _REQUEST).commit
    assert await backend.store.commit(written) == Committed()
    return started.session


async def claimed(backend: Backend, session: Session) -> Wakeup:
    """Its wake-up, claimed."""
    (agenda,) = await backend.store.agendas(10)
    (wakeup,) = [w for w in agenda.wakeups if w.name == session.name]
    (ours,) = await backend.store.claim([wakeup], Instant(wakeup.at + 60_000))
    return ours


async def put_off_to(backend: Backend, session: Session) -> Millis:
    """How far ahead its wake-up is."""
    (agenda,) = await backend.store.agendas(10)
    (at,) = [wakeup.at for wakeup in agenda.wakeups if wakeup.name == session.name]
    return Millis(at - agenda.now)


async def test_a_flag_that_ends_the_session_falls_and_another_is_put_off(
    backend: Backend, fill: Fill
) -> None:
    ending = await running(backend, TimeoutKind.END_SESSION, ago_ms=1_500)
    going_on = await running(backend, TimeoutKind.SKIP_CYCLE, ago_ms=1_500)
    await fill()
    await backend.wakeups.handle_deadline(await claimed(backend, ending))
    stored = (await backend.store.load(ending.name)).stored
    assert stored
    assert stored.session.status is Status.EXPIRED
    with pytest.raises(StoreUnavailable):
        await backend.wakeups.handle_deadline(await claimed(backend, going_on))
    assert 500 < await put_off_to(backend, going_on) <= 1_000


@pytest.mark.parametrize(("overdue_ms", "delay_ms"), [(4_000, 4_000), (600_000, 8_000)])
async def test_the_longer_a_change_is_due_the_later_it_is_tried_again_up_to_a_bound(
    backend: Backend, fill: Fill, overdue_ms: int, delay_ms: int
) -> None:
    session = await running(backend, TimeoutKind.SKIP_CYCLE, ago_ms=1_000 + overdue_ms)
    await fill()
    with pytest.raises(StoreUnavailable):
        await backend.wakeups.handle_deadline(await claimed(backend, session))
    assert delay_ms - 500 < await put_off_to(backend, session) <= delay_ms + 500


async def test_the_deadline_loop_tries_seldom_and_does_it_when_there_is_memory(
    backend: Backend, redis: Redis, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = [await running(backend, TimeoutKind.SKIP_CYCLE, ago_ms=1_000) for _ in range(10)]
    tries: Counter[str] = Counter()
    handle = backend.wakeups.handle_deadline

    async def counted(claim: Wakeup) -> None:
        tries[claim.name] += 1
        await handle(claim)

    monkeypatch.setattr(backend.wakeups, "handle_deadline", counted)
    await fill()
    metrics = PrometheusMetrics(tells_tenants_apart=False)
    loop = DeadlineLoop(backend.store, backend.wakeups, backend.clock, metrics)
    task = asyncio.create_task(loop.run())
    await asyncio.sleep(4)  # of real time: what is tested is how often it tries
    assert set(tries) == {session.name for session in sessions}
    assert max(tries.values()) <= 4
    await redis.config_set("maxmemory", 0)
    async with asyncio.timeout(10):
        while any([await is_due(backend, session) for session in sessions]):
            await asyncio.sleep(0.05)
    await end([task])
    stored = (await backend.store.load(sessions[0].name)).stored
    assert stored
    # Each flag fell at its own instant, whenever it was written.
    moved_ms = (stored.session.cycle_started_at or 0) - (sessions[0].cycle_started_at or 0)
    assert (moved_ms % 1_000, moved_ms // 1_000) == (0, stored.session.cycle_number - 1)


async def is_due(backend: Backend, session: Session) -> bool:
    """Whether its first flag has still to fall."""
    stored = (await backend.store.load(session.name)).stored
    return stored is None or stored.session.version == session.version


async def test_sessions_are_ended_and_deleted_while_others_are_refused(
    backend: Backend, fill: Fill
) -> None:
    first = await running(backend, TimeoutKind.NOTIFY)
    second = await running(backend, TimeoutKind.NOTIFY)
    await fill()
    service = backend.service
    with pytest.raises(StoreUnavailable):
        await service.change(
            may(Operation.SWITCH, first.session_id), first.session_id, Switch(), _REQUEST
        )
    await service.change(
        may(Operation.COMPLETE, first.session_id), first.session_id, Complete(), _REQUEST
    )
    await service.change(
        may(Operation.DELETE, second.session_id), second.session_id, Delete(), _REQUEST
    )
    assert (await backend.store.census()).live_sessions == 0


async def test_a_session_is_deleted_however_much_is_due_in_it(backend: Backend, fill: Fill) -> None:
    session = await running(backend, TimeoutKind.SKIP_CYCLE, ago_ms=600_000)
    await fill()
    permitted = may(Operation.DELETE, session.session_id)
    await backend.service.change(permitted, session.session_id, Delete(), _REQUEST)
    loaded = await backend.store.load(session.name)
    assert loaded.is_deleted


async def test_no_entries_pile_up_where_no_trail_is_set_up(redis: Redis) -> None:
    connection = native_connection_of(redis)
    for settings, written in [
        (Settings(), 0),
        (Settings(audit_worker="off"), 2),
    ]:
        backend = assemble(settings, connection, None, clock=StoreClock())
        before = (await backend.store.census()).outbox_length
        await running(backend, TimeoutKind.NOTIFY)
        assert (await backend.store.census()).outbox_length == before + written

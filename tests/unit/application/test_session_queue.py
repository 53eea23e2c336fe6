"""The lock per session: order, bound and timeout of waiting changes."""

import asyncio
from contextlib import suppress

import pytest

from shared.application import session_queue, timeout
from shared.application.errors import StoreUnavailable
from shared.application.session_queue import SessionQueues
from shared.application.timeout import store_timeout
from tests.support.virtual_time import in_virtual_time

pytestmark = in_virtual_time

_SESSION = "some session"


async def test_changes_are_made_in_order_of_arrival() -> None:
    turns: SessionQueues[int] = SessionQueues()
    made: list[int] = []

    async def change(number: int) -> None:
        async with turns.of(_SESSION):
            made.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*map(change, range(100)))
    assert made == list(range(100))


async def test_a_change_gets_the_value_that_the_previous_one_left() -> None:
    turns: SessionQueues[int] = SessionQueues()
    seen: list[int | None] = []

    async def change(number: int) -> None:
        async with turns.of(_SESSION) as turn:
            seen.append(turn.before)
            await asyncio.sleep(0)
            turn.left = number

    await asyncio.gather(*map(change, range(3)))
    assert seen == [None, 0, 1]


async def test_nothing_is_kept_of_a_session_without_waiting_changes() -> None:
    turns: SessionQueues[int] = SessionQueues()
    async with turns.of(_SESSION) as turn:
        turn.left = 1
    async with turns.of(_SESSION) as turn:
        assert turn.before is None


async def test_different_sessions_do_not_wait_for_each_other() -> None:
    turns: SessionQueues[int] = SessionQueues()
    async with asyncio.timeout(1), turns.of(_SESSION), turns.of("another"):
        pass


async def test_the_queue_of_a_session_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_queue, "_MAX_QUEUE_LENGTH", 2)
    turns: SessionQueues[int] = SessionQueues()

    async def wait() -> None:
        async with turns.of(_SESSION):
            pass

    async with turns.of(_SESSION):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        with pytest.raises(StoreUnavailable) as refused:
            await wait()
        assert refused.value.headers["Retry-After"] == "1"
    await waiting
    await wait()


async def test_a_change_that_waits_too_long_fails_and_the_next_one_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timeout, "_TIMEOUT_S", 0.05)
    turns: SessionQueues[int] = SessionQueues()

    async def wait() -> None:
        with store_timeout():
            async with turns.of(_SESSION):
                pass

    async with turns.of(_SESSION):
        with pytest.raises(StoreUnavailable):
            await wait()
    await wait()


async def test_a_change_that_is_cancelled_while_it_waits_leaves_the_queue() -> None:
    turns: SessionQueues[int] = SessionQueues()

    async def wait() -> None:
        async with turns.of(_SESSION):
            pass

    async with turns.of(_SESSION) as turn:
        turn.left = 1
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with asyncio.timeout(1), turns.of(_SESSION) as turn:
        assert turn.before is None


async def test_timeouts_that_share_a_timer_end_each_at_its_own_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timeout, "_TIMEOUT_S", 0.1)
    clock = asyncio.get_running_loop().time

    async def wait(for_s: float) -> float:
        started_at = clock()
        with suppress(StoreUnavailable), store_timeout():
            await asyncio.sleep(for_s)
        return clock() - started_at

    async def begin_later() -> float:
        await asyncio.sleep(0.05)
        return await wait(5)

    waited_s = await asyncio.gather(wait(0), wait(5), begin_later())
    assert waited_s == pytest.approx([0, 0.1, 0.1])


async def test_a_cancellation_from_outside_is_not_reported_as_a_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timeout, "_TIMEOUT_S", 0.05)

    async def wait() -> None:
        with store_timeout():
            await asyncio.sleep(5)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_block_that_has_ended_is_not_cancelled_by_its_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timeout, "_TIMEOUT_S", 0.02)
    with store_timeout():
        pass
    await asyncio.sleep(0.05)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0

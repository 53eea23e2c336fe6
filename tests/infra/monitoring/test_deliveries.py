"""A delivery is observed once, after the last listener got it, and never without listeners."""

import asyncio
import json

from shared.realtime.fan_out import SessionFanOut
from shared.realtime.listener import GAP, Listener, Push

_PUSH = Push("{}", "STATE_UPDATE", 1, 1_000)


async def test_a_delivery_is_observed_once_after_all_listeners_got_it() -> None:
    listeners = [Listener() for _ in range(200)]
    waiting = [asyncio.create_task(listener.get()) for listener in listeners]
    await asyncio.sleep(0)  # let all tasks start to wait
    observed: asyncio.Queue[int] = asyncio.Queue()
    topic = SessionFanOut(lambda _: observed.put_nowait(sum(task.done() for task in waiting)))
    topic.listeners.update(listeners)
    topic.deliver(_PUSH)
    async with asyncio.timeout(30):
        assert await observed.get() == len(listeners)
    assert observed.empty()


def test_a_push_of_a_test_session_has_no_time_of_the_store() -> None:
    message = {"type": "STATE_UPDATE", "timestamp": 1_000, "state": {"version": 1}}
    assert Push.of(json.dumps(message).encode()).at == 1_000
    assert Push.of(json.dumps({**message, "test": True}).encode()).at is None


async def test_a_push_without_listeners_or_without_a_time_is_not_observed() -> None:
    observed: list[Push] = []
    topic = SessionFanOut(observed.append)
    topic.deliver(_PUSH)
    topic.listeners.add(Listener())
    topic.deliver(GAP)
    topic.deliver(_PUSH)
    await asyncio.sleep(0)
    assert observed == [_PUSH]

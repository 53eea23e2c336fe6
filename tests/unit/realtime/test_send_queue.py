"""The send queue of a session: one request at a time, and a burst becomes one batch."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.application.ports.pending_pushes import PushFailed
from shared.realtime.listener import Push
from shared.realtime.send_queue import PushBatch, SendQueue
from shared.realtime.token_bucket import TokenBucket
from tests.support.virtual_time import in_virtual_time

pytestmark = in_virtual_time

_TIMEOUT_S = 10.0


def state(version: int) -> Push:
    """An update to `version`."""
    return Push(f"state {version}", "STATE_UPDATE", version)


def other(kind: str) -> Push:
    """A message without state."""
    return Push(kind.lower(), kind)


EXPIRED, WARNING, DELETED = map(other, ("TIME_EXPIRED", "TIME_WARNING", "SESSION_DELETED"))


class FakeSender:
    """Holds each batch until `gate` is set; the batches whose numbers are in `fails` fail."""

    def __init__(self) -> None:
        self.batches: list[list[Push]] = []
        self.coalesced: list[int] = []
        self.fails: set[int] = set()
        self.gate = asyncio.Event()
        self.at_once = self.most_at_once = 0

    async def __call__(self, batch: PushBatch) -> None:
        number = len(self.batches)
        self.batches.append(batch.pushes)
        self.coalesced.append(batch.coalesced)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.gate.wait()
        finally:
            self.at_once -= 1
        if number in self.fails:
            raise PushFailed(f"batch {number}")


@pytest.fixture
def sender() -> FakeSender:
    """A sender that holds every batch until its gate is set."""
    return FakeSender()


def queue_of(sender: FakeSender, timeout_s: float = _TIMEOUT_S) -> SendQueue:
    """A queue without a rate limit."""
    return SendQueue(TokenBucket(0), sender, timeout_s)


async def started(queue: SendQueue, *all_pushes: Sequence[Push]) -> list[asyncio.Task[None]]:
    """Start a send of each of `all_pushes`, in this order."""
    tasks = []
    for pushes in all_pushes:
        tasks.append(asyncio.create_task(queue.send(pushes)))
        await asyncio.sleep(0)
    return tasks


async def test_pushes_are_sent_unchanged_while_nothing_waits(sender: FakeSender) -> None:
    sender.gate.set()
    pushes = [EXPIRED, state(3), WARNING, state(4)]
    await queue_of(sender).send(pushes)
    await queue_of(sender).send([state(5)])
    assert sender.batches == [pushes, [state(5)]]
    assert sender.coalesced == [0, 0]


async def test_waiting_pushes_are_sent_in_one_batch_with_only_the_newest_state(
    sender: FakeSender,
) -> None:
    burst = [[EXPIRED, state(v)] for v in range(2, 50)]
    sends = await started(queue_of(sender), [state(1)], *burst, [WARNING], [DELETED])
    sender.gate.set()
    await asyncio.gather(*sends)
    assert sender.batches == [[state(1)], [*[EXPIRED] * 48, state(49), WARNING, DELETED]]
    assert sender.coalesced == [0, 47]
    assert sender.most_at_once == 1


async def test_the_newest_state_is_that_of_the_highest_version_not_the_last_to_arrive(
    sender: FakeSender,
) -> None:
    sends = await started(queue_of(sender), [state(1)], [state(3)], [state(2)], [EXPIRED])
    sender.gate.set()
    await asyncio.gather(*sends)
    assert sender.batches[1] == [state(3), EXPIRED]


async def test_of_a_commit_with_many_steps_only_the_newest_state_is_sent(
    sender: FakeSender,
) -> None:
    sender.gate.set()
    steps = [push for version in range(1, 51) for push in (EXPIRED, state(version))]
    await queue_of(sender).send(steps)
    assert sender.batches == [[*[EXPIRED] * 50, state(50)]]


async def test_no_send_returns_before_its_pushes_were_sent(sender: FakeSender) -> None:
    sends = await started(queue_of(sender), [state(1)], [state(2)], [state(3)])
    assert [send.done() for send in sends] == [False] * 3
    assert len(sender.batches) == 1
    sender.gate.set()
    await asyncio.gather(*sends)


async def test_a_failed_batch_fails_only_the_sends_in_it(
    sender: FakeSender,
) -> None:
    sender.fails = {1}
    queue = queue_of(sender)
    sends = await started(queue, [state(1)], [state(2)], [state(3)])
    sender.gate.set()
    outcomes = await asyncio.gather(*sends, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), PushFailed, PushFailed]
    await queue.send([state(4)])
    assert sender.batches[-1] == [state(4)]


async def test_a_send_that_waits_too_long_fails_but_its_pushes_go_with_the_next(
    sender: FakeSender,
) -> None:
    queue = queue_of(sender, timeout_s=0.02)
    (first,) = await started(queue, [state(1)])
    with pytest.raises(PushFailed, match="too many"):
        await queue.send([EXPIRED, state(2)])
    sender.gate.set()
    await first
    await queue.send([state(3)])
    assert sender.batches == [[state(1)], [EXPIRED, state(3)]]


async def test_the_timeout_bounds_the_waiting_and_not_the_request(
    sender: FakeSender,
) -> None:
    (send,) = await started(queue_of(sender, timeout_s=0.01), [state(1)])
    await asyncio.sleep(0.05)
    assert not send.done()
    sender.gate.set()
    await send


@pytest.mark.parametrize("stage", ["waiting", "being sent"])
async def test_a_cancelled_send_does_not_block_the_others(sender: FakeSender, stage: str) -> None:
    first, second, third = await started(queue_of(sender), [state(1)], [state(2)], [state(3)])
    (second if stage == "waiting" else first).cancel()
    sender.gate.set()
    async with asyncio.timeout(_TIMEOUT_S):
        outcomes = list(await asyncio.gather(first, second, third, return_exceptions=True))
    cancelled = 1 if stage == "waiting" else 0
    assert isinstance(outcomes.pop(cancelled), asyncio.CancelledError)
    assert outcomes == [None, None]
    assert sender.batches[-1] == [state(3)]


async def test_a_newer_state_replaces_one_that_the_rate_limit_holds_back(
    sender: FakeSender,
) -> None:
    slow, other_sender = asyncio.Event(), FakeSender()
    other_sender.gate.set()

    async def sleep(_: float) -> None:
        await slow.wait()
        clock[0] += 1

    clock = [0.0]
    pace = TokenBucket(1, lambda: clock[0], sleep)
    pace.pay(1)
    queue = SendQueue(pace, other_sender, _TIMEOUT_S)
    sends = await started(queue, [state(1)], [EXPIRED, state(2)], [state(3)])
    assert other_sender.batches == []
    slow.set()
    await asyncio.gather(*sends)
    assert other_sender.batches == [[EXPIRED, state(3)]]

"""Differences become whole states for listeners who need them: in order, with one read for all."""

import asyncio

import pytest

from shared.application.errors import StoreUnavailable
from shared.realtime.fan_out import SessionFanOut
from shared.realtime.listener import GAP, Listener, Push
from tests.support.virtual_time import in_virtual_time

pytestmark = in_virtual_time

EXPIRED = Push("expired", "TIME_EXPIRED")


def difference(version: int) -> Push:
    return Push(f"difference {version}", "STATE_UPDATE", version, version, is_difference=True)


def state(version: int) -> Push:
    return Push(f"state {version}", "STATE_UPDATE", version, version)


class Reads:
    """Reads of a session, each of which ends when the test says so."""

    def __init__(self) -> None:
        self.asked: list[int | None] = []
        self._results: asyncio.Queue[Push | Exception | None] = asyncio.Queue()

    async def read(self, push: Push) -> Push | None:
        self.asked.append(push.version)
        result = await self._results.get()
        if isinstance(result, Exception):
            raise result
        return result

    async def end(self, result: Push | Exception | None) -> None:
        """End the read in progress, and let the deliveries of its result run."""
        self._results.put_nowait(result)
        for _ in range(10):
            await asyncio.sleep(0)


class Followers:
    """The listeners of one session: one of each kind."""

    def __init__(self) -> None:
        self.reads = Reads()
        self.observed: list[Push] = []
        self.topic = SessionFanOut(self.observed.append, self.reads.read)
        self.whole = self.join()
        self.other = self.join(takes_differences=True)
        self.topic.confirmed()

    def join(self, *, takes_differences: bool = False) -> Listener:
        listener = Listener(takes_differences=takes_differences)
        self.topic.listeners.add(listener)
        return listener

    async def deliver(self, *pushes: Push) -> None:
        for push in pushes:
            self.topic.deliver(push)
        await asyncio.sleep(0)


def received(listener: Listener) -> list[Push]:
    """Take all pushes that the listener has got."""
    found = [*listener._queue]
    listener._queue.clear()
    return found


async def test_a_difference_is_passed_on_at_once_and_read_once_for_all_others() -> None:
    followers = Followers()
    second = followers.join()
    await followers.deliver(difference(7))
    assert received(followers.other) == [difference(7)]
    assert (received(followers.whole), followers.whole.newest_version) == ([], 0)
    await followers.reads.end(state(7))
    for listener in (followers.whole, second):
        assert received(listener) == [state(7)]
        assert listener.newest_version == 7
    assert followers.reads.asked == [7]
    assert followers.observed == [state(7)]


async def test_nothing_is_read_if_all_take_differences() -> None:
    followers = Followers()
    followers.topic.listeners.discard(followers.whole)
    await followers.deliver(difference(7))
    await asyncio.sleep(0)
    assert followers.reads.asked == []
    assert followers.observed == [difference(7)]


async def test_a_known_state_needs_no_read() -> None:
    followers = Followers()
    followers.topic.deliver(difference(7), state(7))
    await asyncio.sleep(0)
    assert received(followers.whole) == [state(7)]
    assert received(followers.other) == [difference(7)]
    assert followers.reads.asked == []
    assert followers.observed == [state(7)]


async def test_a_burst_takes_two_reads_and_other_messages_keep_their_order() -> None:
    followers = Followers()
    burst = [difference(1), difference(2), EXPIRED, difference(3)]
    await followers.deliver(burst[0])
    await followers.deliver(*burst[1:])
    assert received(followers.other) == burst
    await followers.reads.end(state(1))
    assert received(followers.whole) == [state(1)]
    await followers.reads.end(state(3))
    assert received(followers.whole) == [EXPIRED, state(3)]
    assert followers.reads.asked == [1, 3]


async def test_a_newer_state_takes_the_place_of_the_last_push_that_it_includes() -> None:
    followers = Followers()
    await followers.deliver(difference(1))
    await followers.deliver(difference(2), EXPIRED)
    late = followers.join()
    await followers.deliver(difference(3), EXPIRED)
    await followers.reads.end(state(3))
    assert received(followers.whole) == [EXPIRED, state(3), EXPIRED]
    assert received(late) == [state(3), EXPIRED]
    assert followers.reads.asked == [1]


async def test_no_older_state_follows_a_newer_one() -> None:
    followers = Followers()
    await followers.deliver(difference(1))
    followers.topic.deliver(difference(2), state(2))
    await followers.deliver(difference(4))
    await followers.reads.end(state(3))  # the difference of version 3 hasn't come yet
    assert received(followers.whole) == [state(2), state(3)]
    assert followers.whole.newest_version == 3
    await followers.reads.end(state(4))
    assert received(followers.whole) == [state(4)]


async def test_a_known_state_behind_a_read_waits_for_it() -> None:
    followers = Followers()
    await followers.deliver(difference(1))
    followers.topic.deliver(difference(2), state(2))
    followers.topic.deliver(EXPIRED)
    assert received(followers.whole) == []
    await followers.reads.end(state(1))
    assert received(followers.whole) == [state(1), state(2), EXPIRED]
    assert followers.reads.asked == [1]


@pytest.mark.parametrize("failure", [StoreUnavailable(), RuntimeError("a broken session")])
async def test_each_listener_reads_the_session_itself_if_the_read_fails(
    failure: Exception,
) -> None:
    followers = Followers()
    await followers.deliver(difference(1), EXPIRED)
    await followers.reads.end(failure)
    assert received(followers.whole) == [GAP, EXPIRED]
    await followers.deliver(difference(2))
    await followers.reads.end(state(2))
    assert received(followers.whole) == [state(2)]


async def test_a_deleted_session_has_no_state() -> None:
    followers = Followers()
    deleted = Push("deleted", "SESSION_DELETED")
    await followers.deliver(difference(1), deleted)
    await followers.reads.end(None)
    assert received(followers.whole) == [deleted]


async def test_a_long_wait_ends_with_a_gap_instead_of_a_long_queue() -> None:
    followers = Followers()
    await followers.deliver(difference(1), *[EXPIRED] * 31)
    assert received(followers.whole) == []
    await followers.deliver(EXPIRED)
    assert received(followers.whole) == [GAP, *[EXPIRED] * 32]
    await followers.reads.end(state(1))  # too late; the listeners read it themselves
    assert received(followers.whole) == []


async def test_pushes_are_flushed_before_a_listener_is_closed() -> None:
    followers = Followers()
    await followers.deliver(difference(1), EXPIRED)
    followers.topic.flush()
    assert received(followers.whole) == [GAP, EXPIRED]


async def test_after_data_loss_the_lower_versions_are_read() -> None:
    followers = Followers()
    await followers.deliver(difference(9))
    await followers.deliver(difference(4))
    await followers.reads.end(state(9))
    await followers.reads.end(state(4))
    assert received(followers.whole) == [state(9), state(4)]

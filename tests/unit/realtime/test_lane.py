"""One session's pushes: a request at a time, and a burst is not a burst of requests."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.realtime.lane import Lane, Load
from shared.realtime.listener import Push
from shared.realtime.pace import Pace
from shared.realtime.ports import PushFailed

_PATIENCE_S = 10.0


def state(version: int) -> Push:
    """An update to that version."""
    return Push(f"state {version}", "STATE_UPDATE", version)


def other(kind: str) -> Push:
    """A message that carries no state."""
    return Push(kind.lower(), kind)


EXPIRED, WARNING, DELETED = map(other, ("TIME_EXPIRED", "TIME_WARNING", "SESSION_DELETED"))


class Carrier:
    """Takes loads, and holds each until it is let go; those in `fails` fail, by number."""

    def __init__(self) -> None:
        self.carried: list[list[Push]] = []
        self.coalesced: list[int] = []
        self.fails: set[int] = set()
        self.gate = asyncio.Event()
        self.at_once = self.most_at_once = 0

    async def __call__(self, load: Load) -> None:
        number = len(self.carried)
        self.carried.append(load.pushes)
        self.coalesced.append(load.coalesced)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.gate.wait()
        finally:
            self.at_once -= 1
        if number in self.fails:
            raise PushFailed(f"load {number}")


@pytest.fixture
def carrier() -> Carrier:
    """It holds everything until its gate is set."""
    return Carrier()


def lane_of(carrier: Carrier, patience_s: float = _PATIENCE_S) -> Lane:
    """A lane without a limit of its own."""
    return Lane(Pace(0), carrier, patience_s)


async def begun(lane: Lane, *loads: Sequence[Push]) -> list[asyncio.Task[None]]:
    """Sends of `loads`, one after the other, as far as they get."""
    tasks = []
    for pushes in loads:
        tasks.append(asyncio.create_task(lane.send(pushes)))
        await asyncio.sleep(0)
    return tasks


async def test_what_comes_alone_goes_as_it_is(carrier: Carrier) -> None:
    carrier.gate.set()
    pushes = [EXPIRED, state(3), WARNING, state(4)]
    await lane_of(carrier).send(pushes)
    await lane_of(carrier).send([state(5)])
    assert carrier.carried == [pushes, [state(5)]]
    assert carrier.coalesced == [0, 0]


async def test_what_comes_meanwhile_goes_at_once_with_the_newest_state_alone(
    carrier: Carrier,
) -> None:
    burst = [[EXPIRED, state(v)] for v in range(2, 50)]
    sends = await begun(lane_of(carrier), [state(1)], *burst, [WARNING], [DELETED])
    carrier.gate.set()
    await asyncio.gather(*sends)
    assert carrier.carried == [[state(1)], [*[EXPIRED] * 48, state(49), WARNING, DELETED]]
    assert carrier.coalesced == [0, 47]
    assert carrier.most_at_once == 1


async def test_the_newest_state_is_that_of_the_highest_version_not_the_last_to_come(
    carrier: Carrier,
) -> None:
    sends = await begun(lane_of(carrier), [state(1)], [state(3)], [state(2)], [EXPIRED])
    carrier.gate.set()
    await asyncio.gather(*sends)
    assert carrier.carried[1] == [state(3), EXPIRED]


async def test_of_a_commit_with_very_many_steps_only_the_newest_state_goes(
    carrier: Carrier,
) -> None:
    carrier.gate.set()
    steps = [push for version in range(1, 51) for push in (EXPIRED, state(version))]
    await lane_of(carrier).send(steps)
    assert carrier.carried == [[*[EXPIRED] * 50, state(50)]]


async def test_nobody_returns_before_its_own_has_arrived(carrier: Carrier) -> None:
    sends = await begun(lane_of(carrier), [state(1)], [state(2)], [state(3)])
    assert [send.done() for send in sends] == [False] * 3
    assert len(carrier.carried) == 1
    carrier.gate.set()
    await asyncio.gather(*sends)


async def test_a_load_that_fails_fails_for_all_that_is_in_it_and_for_nothing_else(
    carrier: Carrier,
) -> None:
    carrier.fails = {1}
    lane = lane_of(carrier)
    sends = await begun(lane, [state(1)], [state(2)], [state(3)])
    carrier.gate.set()
    outcomes = await asyncio.gather(*sends, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), PushFailed, PushFailed]
    await lane.send([state(4)])
    assert carrier.carried[-1] == [state(4)]


async def test_who_waits_too_long_fails_and_what_it_had_still_goes_with_the_next(
    carrier: Carrier,
) -> None:
    lane = lane_of(carrier, patience_s=0.02)
    (first,) = await begun(lane, [state(1)])
    with pytest.raises(PushFailed, match="too many"):
        await lane.send([EXPIRED, state(2)])
    carrier.gate.set()
    await first
    await lane.send([state(3)])
    assert carrier.carried == [[state(1)], [EXPIRED, state(3)]]


async def test_the_way_itself_may_take_longer_than_anybody_waits_to_leave(
    carrier: Carrier,
) -> None:
    (send,) = await begun(lane_of(carrier, patience_s=0.01), [state(1)])
    await asyncio.sleep(0.05)
    assert not send.done()
    carrier.gate.set()
    await send


@pytest.mark.parametrize("stage", ["waiting", "on its way"])
async def test_who_is_called_off_leaves_nobody_hanging(carrier: Carrier, stage: str) -> None:
    first, second, third = await begun(lane_of(carrier), [state(1)], [state(2)], [state(3)])
    (second if stage == "waiting" else first).cancel()
    carrier.gate.set()
    async with asyncio.timeout(_PATIENCE_S):
        outcomes = list(await asyncio.gather(first, second, third, return_exceptions=True))
    called_off = 1 if stage == "waiting" else 0
    assert isinstance(outcomes.pop(called_off), asyncio.CancelledError)
    assert outcomes == [None, None]
    assert carrier.carried[-1] == [state(3)]


async def test_while_the_pace_holds_it_back_a_newer_state_takes_its_place(
    carrier: Carrier,
) -> None:
    slow, carry_on = asyncio.Event(), Carrier()
    carry_on.gate.set()

    async def sleep(_: float) -> None:
        await slow.wait()
        clock[0] += 1

    clock = [0.0]
    pace = Pace(1, lambda: clock[0], sleep)
    pace.pay(1)
    lane = Lane(pace, carry_on, _PATIENCE_S)
    sends = await begun(lane, [state(1)], [EXPIRED, state(2)], [state(3)])
    assert carry_on.carried == []
    slow.set()
    await asyncio.gather(*sends)
    assert carry_on.carried == [[EXPIRED, state(3)]]

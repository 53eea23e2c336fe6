"""Limits of Presence in the local Realtime."""

from infra.local.realtime.channel_presence import PresenceCalls
from infra.local.realtime.message_rate import MessageRate
from infra.local.realtime.presence import Presences


class _Clock:
    """A clock that stands still until it is set."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_channel_may_change_its_presence_five_times_in_30_s() -> None:
    clock = _Clock()
    calls = PresenceCalls(clock)
    assert [calls.allow() for _ in range(6)] == [True] * 5 + [False]
    clock.now_s += 30.5
    assert calls.allow()


def test_a_project_s_messages_are_refused_while_their_average_is_above_the_limit() -> None:
    clock = _Clock()
    presences = Presences(MessageRate(20, clock))
    assert all(presences.may_send() for _ in range(110))
    clock.now_s += 5
    assert not presences.may_send()
    clock.now_s += 5
    assert presences.may_send()

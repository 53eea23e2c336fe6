"""Which requests an overloaded instance takes."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from functions.container.connections.admission import AdmissionControl

_PATH = b"/v1/sessions/5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10"


class _Work:
    """A request, and whether its answer has begun."""

    response_started = False


class _Loop:
    """A loop whose rounds take as long as the test says; time passes in no other way."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self._soon: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        self.shed = 0

    def call_soon(self, callback: Callable[..., None], *arguments: Any) -> None:
        self._soon.append((callback, arguments))

    def round(self, seconds: float) -> None:
        """One round of that length."""
        soon, self._soon = self._soon, []
        for callback, arguments in soon:
            callback(*arguments)
        self.now += seconds


class _Busy:
    """An admission on such a loop, and its requests."""

    def __init__(self, loop: _Loop) -> None:
        self.loop = loop
        self.shed = 0
        self.admission = AdmissionControl(self._count)
        self.work: list[_Work] = []

    def _count(self) -> None:
        self.shed += 1

    def ask(self, path: bytes = _PATH) -> bool:
        """A request comes; whether it is let in."""
        is_let_in = self.admission.admits(path, cast(asyncio.AbstractEventLoop, self.loop))
        if is_let_in:
            self.work.append(_Work())
            self.admission.began(self.work[-1])
        return is_let_in

    def fill(self) -> None:
        """Ask until a request is refused."""
        while self.ask():
            assert len(self.work) < 1_000

    def answer(self, count: int) -> None:
        """The oldest so many are answered."""
        for _ in range(min(count, len(self.work))):
            self.admission.ended(self.work.pop(0))

    def go_on(self, seconds: float, *, asked: int, answered: int, round_s: float) -> None:
        """For so long rounds take `round_s`, in each of which so many are asked and answered."""
        until = self.loop.now + seconds
        while self.loop.now < until:
            for _ in range(asked):
                self.ask()
            self.answer(answered)
            self.loop.round(round_s)


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> _Busy:
    """One that takes 1 ms of the processor for each request."""
    loop = _Loop()
    monkeypatch.setattr("time.monotonic", lambda: loop.now)
    monkeypatch.setattr("time.thread_time", lambda: loop.now)
    return _Busy(loop)


def test_any_number_is_let_in_while_rounds_are_short(busy: _Busy) -> None:
    busy.go_on(2, asked=10, answered=9, round_s=0.004)
    assert len(busy.work) > 400
    assert busy.shed == 0


def test_a_burst_is_let_in_whole(busy: _Busy) -> None:
    assert all(busy.ask() for _ in range(1_000))
    busy.go_on(0.2, asked=1, answered=10, round_s=0.01)
    assert busy.shed == 0


def test_at_twice_the_capacity_no_more_is_at_work_than_can_be_answered_in_time(
    busy: _Busy,
) -> None:
    busy.go_on(5, asked=20, answered=10, round_s=0.01)
    busy.shed = 0
    busy.go_on(1, asked=20, answered=10, round_s=0.01)
    assert 12 <= len(busy.work) <= 30
    assert 900 <= busy.shed <= 1_100


def test_everything_is_let_in_again_soon_after_the_load_has_ended(busy: _Busy) -> None:
    busy.go_on(3, asked=20, answered=10, round_s=0.01)
    busy.go_on(0.5, asked=1, answered=20, round_s=0.001)
    busy.shed = 0
    assert all(busy.ask() for _ in range(200))


@pytest.mark.parametrize("path", [b"/health", b"/ready", b"/metrics", b"/v1/time"])
def test_what_tells_how_the_instance_is_is_never_refused(busy: _Busy, path: bytes) -> None:
    busy.go_on(3, asked=20, answered=10, round_s=0.01)
    busy.fill()
    assert busy.ask(path)


def test_answers_that_wait_for_their_clients_take_no_place(busy: _Busy) -> None:
    busy.go_on(3, asked=20, answered=10, round_s=0.01)
    busy.fill()
    for work in busy.work:
        work.response_started = True
    for _ in range(2):
        busy.loop.round(0.01)
    assert busy.ask()


def test_a_long_round_of_some_time_ago_is_no_reason_to_refuse(busy: _Busy) -> None:
    busy.go_on(3, asked=20, answered=10, round_s=0.01)
    busy.fill()
    busy.loop.now += 2
    assert all(busy.ask() for _ in range(100))

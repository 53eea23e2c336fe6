"""Admission control: the requests that an overloaded instance accepts."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from functions.container.connections import load_shedding
from functions.container.connections.admission import AdmissionControl
from shared.http.request import new_request_id

_PATH = b"/v1/sessions/5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10"


class _Request:
    """A request in progress."""

    response_started = False


class _Loop:
    """An event loop in virtual time: only `iterate` and tests let time pass."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self._soon: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        self.shed = 0

    def call_soon(self, callback: Callable[..., None], *arguments: Any) -> None:
        self._soon.append((callback, arguments))

    def iterate(self, seconds: float) -> None:
        """Run one iteration that takes `seconds`."""
        soon, self._soon = self._soon, []
        for callback, arguments in soon:
            callback(*arguments)
        self.now += seconds


class _Instance:
    """Admission control on such a loop, and the requests in progress."""

    def __init__(self, loop: _Loop) -> None:
        self.loop = loop
        self.shed = 0
        self.admission = AdmissionControl(self._count)
        self.requests: list[_Request] = []

    def _count(self) -> None:
        self.shed += 1

    def accept(self, path: bytes = _PATH) -> bool:
        """Offer a request; return whether it is accepted."""
        is_accepted = self.admission.admits(path, cast(asyncio.AbstractEventLoop, self.loop))
        if is_accepted:
            self.requests.append(_Request())
            self.admission.began(self.requests[-1])
        return is_accepted

    def fill(self) -> None:
        """Offer requests until one is refused."""
        while self.accept():
            assert len(self.requests) < 1_000

    def finish(self, count: int) -> None:
        """Finish the `count` oldest requests."""
        for _ in range(min(count, len(self.requests))):
            self.admission.ended(self.requests.pop(0))

    def run_for(self, seconds: float, *, arriving: int, finished: int, iteration_s: float) -> None:
        """Run iterations of `iteration_s` for `seconds`; in each, requests arrive and finish."""
        until = self.loop.now + seconds
        while self.loop.now < until:
            for _ in range(arriving):
                self.accept()
            self.finish(finished)
            self.loop.iterate(iteration_s)


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch) -> _Instance:
    """An instance in virtual time; a request takes 1 ms of it in these tests."""
    loop = _Loop()
    monkeypatch.setattr("time.monotonic", lambda: loop.now)
    monkeypatch.setattr("time.thread_time", lambda: loop.now)
    return _Instance(loop)


def test_all_requests_are_accepted_while_iterations_are_short(instance: _Instance) -> None:
    instance.run_for(2, arriving=10, finished=9, iteration_s=0.004)
    assert len(instance.requests) > 400
    assert instance.shed == 0


def test_a_burst_is_accepted(instance: _Instance) -> None:
    assert all(instance.accept() for _ in range(1_000))
    instance.run_for(0.2, arriving=1, finished=10, iteration_s=0.01)
    assert instance.shed == 0


def test_at_twice_the_capacity_only_requests_that_can_finish_in_time_are_accepted(
    instance: _Instance,
) -> None:
    instance.run_for(5, arriving=20, finished=10, iteration_s=0.01)
    instance.shed = 0
    instance.run_for(1, arriving=20, finished=10, iteration_s=0.01)
    assert 12 <= len(instance.requests) <= 30
    assert 900 <= instance.shed <= 1_100


def test_all_requests_are_accepted_again_soon_after_an_overload(instance: _Instance) -> None:
    instance.run_for(3, arriving=20, finished=10, iteration_s=0.01)
    instance.run_for(0.5, arriving=1, finished=20, iteration_s=0.001)
    instance.shed = 0
    assert all(instance.accept() for _ in range(200))


@pytest.mark.parametrize("path", [b"/health", b"/ready", b"/metrics", b"/v1/time"])
def test_health_metrics_and_time_are_never_refused(instance: _Instance, path: bytes) -> None:
    instance.run_for(3, arriving=20, finished=10, iteration_s=0.01)
    instance.fill()
    assert instance.accept(path)


def test_responses_that_wait_for_their_clients_do_not_count(instance: _Instance) -> None:
    instance.run_for(3, arriving=20, finished=10, iteration_s=0.01)
    instance.fill()
    for request in instance.requests:
        request.response_started = True
    for _ in range(2):
        instance.loop.iterate(0.01)
    assert instance.accept()


def test_a_long_iteration_some_time_ago_causes_no_refusal(instance: _Instance) -> None:
    instance.run_for(3, arriving=20, finished=10, iteration_s=0.01)
    instance.fill()
    instance.loop.now += 2
    assert all(instance.accept() for _ in range(100))


def test_a_plain_refusal_has_the_length_of_its_body() -> None:
    refusal = load_shedding._plain_refusal([(b"date", b"today")], new_request_id().encode())
    head, _, body = refusal.partition(b"\r\n\r\n")
    assert b"content-length: %d\r\n" % len(body) in head + b"\r\n"

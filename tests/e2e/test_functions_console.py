"""The console where the service is functions: nothing is pushed, so the page asks."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from infra.local.functions import Running
from tests.e2e.conftest import Opener
from tests.e2e.console import Console, deadlines
from tests.e2e.problems import Problems

AGREEMENT_MS = 60
FOLLOWS_S = 2.5
_REFUSED = "Error during WebSocket handshake: Unexpected response code: 404"
_GONE = "the server responded with a status of 404"
_TRIES = 2

Tabs = tuple[Console, Console]


@pytest.fixture
def open_both(
    functions: Running, open_page: Opener, open_beside: Opener, problems: Problems
) -> Iterator[Callable[..., Tabs]]:
    """Creates a session in a tab and opens it in another; both try sockets, but not for long."""

    def open_them(**fields: str) -> Tabs:
        one = open_page(functions.url)
        one.create(**fields)
        two = open_beside(one.page.url)
        for tab in (one, two):
            expect(tab.connection).to_have_text("Polling")
        return one, two

    yield open_them
    assert count(problems, _REFUSED) == 2 * _TRIES
    problems.expect(_REFUSED)


def count(problems: Problems, part: str) -> int:
    return sum(part in problem for problem in problems.all)


@contextmanager
def soon() -> Iterator[None]:
    """What is done and seen in it took no longer than a change may take to be seen."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < FOLLOWS_S


def test_two_tabs_play_by_polling(open_both: Callable[..., Tabs], problems: Problems) -> None:
    one, two = tabs = open_both()
    for tab in tabs:
        expect(tab.sync("transport")).to_have_text("HTTP, about once a second")
    with soon():
        one.start()
        expect(two.status).to_have_text("running")
    _agree(tabs, "Ada")

    with soon():
        one.page.keyboard.press("Space")
        expect(one.active).to_have_text("Ben")
        expect(two.active).to_have_text("Ben")
    with soon():
        two.page.keyboard.press("Space")
        expect(two.active).to_have_text("Ada")
        expect(one.active).to_have_text("Ada")
    _agree(tabs, "Ada")

    two.page.get_by_role("button", name="Pause").click()
    expect(two.status).to_have_text("paused")
    frozen = two.remaining("Ada")
    with soon():
        expect(one.status).to_have_text("paused")
    one.expect_remaining("Ada", round(frozen))
    with soon():
        one.page.get_by_role("button", name="Resume").click()
        expect(two.status).to_have_text("running")
    _agree(tabs, "Ada")

    two.page.get_by_role("button", name="More").click()
    two.page.get_by_role("button", name="Delete the session").click()
    with soon():
        two.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        for tab in tabs:
            expect(tab.page.locator(".lobby h1")).to_have_text("This session was deleted")
            expect(tab.connection).to_have_text("Closed")
    assert count(problems, _GONE) == len(tabs)
    problems.expect(_GONE)


def test_a_flag_falls_by_itself_in_both_tabs(open_both: Callable[..., Tabs]) -> None:
    one, two = open_both(time_on_each_clock="0:02", added_per_turn="0")
    one.start()
    ends_at = deadlines([one], "Ada")[0]
    for tab in (one, two):
        expect(tab.status).to_have_text("expired")
        assert time.time() * 1000 - ends_at < FOLLOWS_S * 1000
        expect(tab.face("Ada")).to_contain_text("Flag fallen")
        expect(tab.face("Ben")).to_contain_text("Wins on time")
        expect(tab.time_of("Ada")).to_have_text("0:00.0")
        expect(tab.sync("transport")).to_have_text("HTTP, now and then")


def _agree(tabs: Tabs, name: str) -> None:
    """Both tabs show the same on a clock that runs."""
    one, two = deadlines(tabs, name)
    assert abs(one - two) < AGREEMENT_MS

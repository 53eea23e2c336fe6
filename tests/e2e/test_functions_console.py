"""The console where the service is functions: Supabase carries the pushes, or the page asks."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from infra.local.functions import LocalFunctions
from tests.e2e.conftest import Opener
from tests.e2e.console import Console, deadlines
from tests.e2e.problems import Problems

AGREEMENT_MS = 60
FOLLOWS_S = 2.5
_REALTIME = "**/realtime/v1/websocket*"

Tabs = tuple[Console, Console]


@pytest.fixture
def open_both(
    functions: LocalFunctions, open_page: Opener, open_beside: Opener
) -> Callable[..., Tabs]:
    """Creates a session in a tab and opens it in another."""

    def open_them(**fields: str) -> Tabs:
        one = open_page(functions.url)
        one.create(**fields)
        two = open_beside(one.page.url)
        expect(two.status).to_have_text("pending")
        return one, two

    return open_them


@pytest.fixture
def without_realtime(
    chromium: Browser, functions: LocalFunctions, problems: Problems
) -> Iterator[tuple[Page, Page]]:
    """Pages in two windows where Supabase's sockets close as soon as they are opened."""
    with chromium.new_context() as left, chromium.new_context() as right:
        for window in (left, right):
            window.route_web_socket(_REALTIME, lambda socket: socket.close())
        pages = left.new_page(), right.new_page()
        for page in pages:
            problems.watch(page)
        yield pages


@contextmanager
def soon() -> Iterator[None]:
    """What is done and seen in it took no longer than a change may take to be seen."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < FOLLOWS_S


def test_supabase_carries_the_pushes(
    functions: LocalFunctions, open_both: Callable[..., Tabs]
) -> None:
    tabs = open_both()
    for tab in tabs:
        expect(tab.connection).to_have_text("Live")
        expect(tab.sync("transport")).to_have_text("Supabase Realtime")
    _play(functions, tabs)


def test_without_supabase_the_page_asks(
    without_realtime: tuple[Page, Page], functions: LocalFunctions
) -> None:
    one, two = tabs = Console(without_realtime[0]), Console(without_realtime[1])
    one.page.goto(functions.url)
    one.create()
    two.page.goto(one.page.url)
    for tab in tabs:
        expect(tab.connection).to_have_text("Polling")
        expect(tab.sync("transport")).to_have_text("HTTP polling")
    _play(functions, tabs)


def test_a_deletion_is_told_to_both(open_both: Callable[..., Tabs], problems: Problems) -> None:
    one, two = tabs = open_both()
    for tab in tabs:
        expect(tab.connection).to_have_text("Live")
    two.page.get_by_role("button", name="More").click()
    two.page.get_by_role("button", name="Delete the session").click()
    with soon():
        two.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        for tab in (one, two):
            expect(tab.page.locator(".lobby h1")).to_have_text("This session was deleted")
            expect(tab.connection).to_have_text("Closed")
    # A tab that asks between the deletion and its push is told by the answer.
    problems.all = [line for line in problems.all if "404 (Not Found)" not in line]


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


def _play(functions: LocalFunctions, tabs: Tabs) -> None:
    one, two = tabs
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
    with soon():
        two.page.get_by_role("button", name="Pause").click()
        for tab in tabs:
            expect(tab.status).to_have_text("paused")
    frozen = httpx.get(f"{functions.url}/v1/sessions/{one.session_id}").json()["data"]
    for tab in tabs:
        tab.expect_remaining("Ada", frozen["participants"][0]["time_remaining_ms"])
    with soon():
        one.page.get_by_role("button", name="Resume").click()
        expect(two.status).to_have_text("running")
    _agree(tabs, "Ada")


def _agree(tabs: Tabs, name: str) -> None:
    """Both tabs show the same on a clock that runs."""
    one, two = deadlines(tabs, name)
    assert abs(one - two) < AGREEMENT_MS

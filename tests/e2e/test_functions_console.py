"""The console with the service as functions: updates over Supabase Realtime, or by polling."""

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from infra.local.functions import LocalFunctions
from tests.e2e.conftest import Opener
from tests.e2e.console import Console, deadlines
from tests.e2e.problems import UNAVAILABLE, Problems

AGREEMENT_MS = 600
"""On a quiet machine, it is far less (test_in_step.py)."""
_REALTIME = "**/realtime/v1/websocket*"

Tabs = tuple[Console, Console]


@pytest.fixture(autouse=True)
def _busy_functions(problems: Problems) -> Iterator[None]:
    yield
    problems.ignore(UNAVAILABLE)


@pytest.fixture
def open_both(
    functions: LocalFunctions, open_page: Opener, open_in_second_window: Opener
) -> Callable[..., Tabs]:
    """Creates a session in one tab and opens it in another."""

    def create_and_open(**fields: str) -> Tabs:
        one = open_page(functions.url)
        one.create(**fields)
        two = open_in_second_window(one.page.url)
        expect(two.status).to_have_text("pending")
        return one, two

    return create_and_open


@pytest.fixture
def without_realtime(
    chromium: Browser, functions: LocalFunctions, problems: Problems
) -> Iterator[tuple[Page, Page]]:
    """Pages in two windows where Supabase's WebSockets are closed as soon as they open."""
    with chromium.new_context() as left, chromium.new_context() as right:
        for window in (left, right):
            window.route_web_socket(_REALTIME, lambda socket: socket.close())
        pages = left.new_page(), right.new_page()
        for page in pages:
            problems.watch(page)
        yield pages


def test_updates_come_over_supabase_realtime(
    functions: LocalFunctions, open_both: Callable[..., Tabs]
) -> None:
    tabs = open_both()
    for tab in tabs:
        expect(tab.connection).to_have_text("Live")
        expect(tab.sync("transport")).to_have_text("Supabase Realtime")
        expect(tab.sync("screens")).to_have_text(re.compile(r"^\d of 2 within 40 ms$"))
    _play_and_compare(functions, tabs)


def test_the_page_polls_without_supabase_realtime(
    without_realtime: tuple[Page, Page], functions: LocalFunctions
) -> None:
    one, two = tabs = Console(without_realtime[0]), Console(without_realtime[1])
    one.page.goto(functions.url)
    one.create()
    two.page.goto(one.page.url)
    for tab in tabs:
        expect(tab.connection).to_have_text("Polling")
        expect(tab.sync("transport")).to_have_text("HTTP polling")
    _play_and_compare(functions, tabs)


def test_both_tabs_show_that_their_session_was_deleted(
    open_both: Callable[..., Tabs], problems: Problems
) -> None:
    one, two = tabs = open_both()
    for tab in tabs:
        expect(tab.connection).to_have_text("Live")
    two.page.get_by_role("button", name="More").click()
    two.page.get_by_role("button", name="Delete the session").click()
    two.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    for tab in (one, two):
        expect(tab.page.locator(".message-page h1")).to_have_text("This session was deleted")
        expect(tab.connection).to_have_text("Closed")
    # A tab that polls between the deletion and its push gets a 404.
    problems.ignore("404 (Not Found)")


def test_a_flag_fall_appears_in_both_tabs(open_both: Callable[..., Tabs]) -> None:
    one, two = open_both(time_on_each_clock="0:02", added_per_turn="0")
    one.start()
    for tab in (one, two):
        expect(tab.status).to_have_text("expired")
        expect(tab.clock("Ada")).to_contain_text("Flag fallen")
        expect(tab.clock("Ben")).to_contain_text("Wins on time")
        expect(tab.time_of("Ada")).to_have_text("0:00.0")


def _play_and_compare(functions: LocalFunctions, tabs: Tabs) -> None:
    one, two = tabs
    one.start()
    expect(two.status).to_have_text("running")
    _assert_same_time(tabs, "Ada")
    one.page.keyboard.press("Space")
    expect(one.active).to_have_text("Ben")
    expect(two.active).to_have_text("Ben")
    two.page.keyboard.press("Space")
    expect(two.active).to_have_text("Ada")
    expect(one.active).to_have_text("Ada")
    _assert_same_time(tabs, "Ada")
    two.page.get_by_role("button", name="Pause").click()
    for tab in tabs:
        expect(tab.status).to_have_text("paused")
    frozen = httpx.get(f"{functions.url}/v1/sessions/{one.session_id}").json()["data"]
    for tab in tabs:
        tab.expect_remaining("Ada", frozen["participants"][0]["time_remaining_ms"])
    one.page.get_by_role("button", name="Resume").click()
    expect(two.status).to_have_text("running")
    _assert_same_time(tabs, "Ada")


def _assert_same_time(tabs: Tabs, name: str) -> None:
    """Assert that both tabs show the same time on a running clock."""
    one, two = deadlines(tabs, name)
    assert abs(one - two) < AGREEMENT_MS

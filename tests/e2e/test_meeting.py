"""The page of a meeting: its agenda, an item that runs over, and how far it is behind."""

import re

import pytest
from playwright.sync_api import Locator, expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.console import Console
from tests.e2e.problems import UNAVAILABLE, Problems
from tests.e2e.stories import ApiSession, create_session
from tests.e2e.test_layout import WIDTHS, expect_all_inside

_MINUTE_MS = 60_000


def meeting(url: str, **items: int) -> ApiSession:
    """Create a pending meeting with these items and their lengths (ms)."""
    return create_session(
        url,
        sync_mode="global",
        participants=[],
        overtime=True,
        items=[
            {"item_id": name, "title": name.capitalize(), "duration_ms": ms, "on_end": "wait"}
            for name, ms in items.items()
        ],
        metadata={"purpose": "meeting", "title": "Monday"},
    )


def row(console: Console, title: str) -> Locator:
    """Return the row of an item in the agenda."""
    return console.page.locator(".agenda-row").filter(has_text=title)


def test_a_meeting_is_created_runs_over_and_ends(
    open_page: Opener, open_in_second_window: Opener, target: str, problems: Problems
) -> None:
    host = open_page(target)
    host.page.locator("input[value=global]").check(force=True)
    host.page.get_by_role("button", name="Meeting", exact=True).click()
    host.field("Length: item Welcome").fill("0:01")
    host.submit.click()
    expect(host.status).to_have_text("pending")
    guest = open_in_second_window(host.page.url)
    expect(guest.page.locator(".offset")).to_have_text("25:01 planned")
    host.start()
    for page in (host, guest):
        expect(page.time_of("Welcome")).to_have_text(re.compile("^-0:0"))
        expect(page.clock("Welcome")).to_contain_text("Over time")
        expect(page.page.locator(".offset")).to_have_text(re.compile("^[1-9] s behind$"))
    host.page.get_by_role("button", name="Next item").click()
    expect(guest.clock("Numbers")).to_contain_text("Item 2 of 3 · 10:00 planned")
    expect(row(guest, "Numbers")).to_have_attribute("aria-current", "step")
    expect(row(guest, "Welcome").locator(".agenda-used")).to_have_text(re.compile("^0:0[1-9]$"))
    guest.page.get_by_role("button", name="Go to Decisions").click()
    expect(host.page.locator(".offset")).to_have_text("10 min ahead")
    host.page.get_by_role("button", name="End the meeting").click()
    for page in (host, guest):
        expect(page.status).to_have_text("completed")
        expect(page.clocks).to_be_hidden()
    expect(host.events.filter(has_text="begins")).to_have_text(
        ["Decisions begins", "Numbers begins"]
    )
    problems.ignore(UNAVAILABLE)


@pytest.mark.parametrize("view", ["", "&view=display"])
def test_a_long_agenda_fits(open_page: Opener, service: Instance, view: str) -> None:
    names = {f"item_{n}_of_a_meeting_with_very_long_titles": n * _MINUTE_MS for n in range(1, 21)}
    session = meeting(service.url, **names)
    session.do("start", "switch", "pause")
    console = open_page(session.path + view)
    expect(row(console, "Item_2_").first).to_have_attribute("aria-current", "step")
    for width in WIDTHS:
        expect_all_inside(console, width)


def test_a_long_agenda_shows_its_current_item_beside_the_clock(
    open_page: Opener, service: Instance
) -> None:
    session = meeting(service.url, **{f"item_{n}_": _MINUTE_MS for n in range(30)})
    session.do("start", *["switch"] * 20)
    console = open_page(session.path)
    expect(row(console, "Item_20_")).to_be_in_viewport(ratio=1)
    expect(console.time_of("Item_20_")).to_be_in_viewport(ratio=1)

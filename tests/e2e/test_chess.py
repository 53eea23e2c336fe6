"""A game of chess in two tabs, and the form's defaults."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.console import Console


@pytest.fixture
def tabs(
    service: Instance, open_page: Opener, open_in_second_window: Opener
) -> tuple[Console, Console]:
    """A running game in two tabs, in different windows."""
    with httpx.Client(base_url=service.url, timeout=30) as http:
        session_id = http.post("/v1/sessions", json=game()).json()["data"]["session_id"]
        http.post(f"/v1/sessions/{session_id}/start").raise_for_status()
    one, two = (opener(f"/?session={session_id}") for opener in (open_page, open_in_second_window))
    for tab in (one, two):
        expect(tab.status).to_have_text("running")
    return one, two


def game() -> dict[str, Any]:
    """Return a create body for blitz between Ada and Ben."""
    names = {str(uuid4()): name for name in ("Ada", "Ben")}
    return {
        "sync_mode": "per_participant",
        "participants": [{"participant_id": pid, "total_time_ms": 180_000} for pid in names],
        "increment_ms": 2_000,
        "metadata": {"names": names},
    }


def left_on_server(service: Instance, tab: Console, position: int) -> int:
    """Return the remaining time of a stopped clock from the API, ms."""
    answer = httpx.get(f"{service.url}/v1/sessions/{tab.session_id}").json()
    return int(answer["data"]["participants"][position]["time_remaining_ms"])


def test_a_game_can_be_created_and_played_with_the_keyboard_alone(open_page: Opener) -> None:
    console = open_page()
    expect(console.submit).to_be_visible()
    press = console.page.keyboard.press
    press("Enter")
    expect(console.status).to_have_text("pending")
    expect(console.time_of("Ada")).to_have_text("3:00")
    press("Space")
    expect(console.status).to_have_text("running")
    console.wait_until_running("Ada")
    press("Space")
    expect(console.active).to_have_text("Ben")
    press("1")
    expect(console.active).to_have_text("Ada")
    press("p")
    expect(console.status).to_have_text("paused")
    press("Enter")
    expect(console.status).to_have_text("running")


def test_the_submit_button_is_reached_with_the_tab_key(open_in_new_window: Opener) -> None:
    console = open_in_new_window()
    expect(console.submit).to_be_visible()
    for _ in range(30):
        console.page.keyboard.press("Tab")
        if console.submit.evaluate("node => node === document.activeElement"):
            break
    expect(console.submit).to_be_focused()
    console.page.keyboard.press("Enter")
    expect(console.status).to_have_text("pending")


def test_the_link_opens_the_same_game_in_a_second_tab(open_page: Opener) -> None:
    one = open_page()
    one.create()
    with one.page.context.expect_page() as opened:
        one.page.get_by_role("link", name="Second tab").click()
    two = Console(opened.value)
    one.start()
    expect(two.status).to_have_text("running")
    expect(two.active).to_have_text("Ada")


def test_a_pause_freezes_both_tabs_to_the_same_millisecond(
    tabs: tuple[Console, Console], service: Instance
) -> None:
    one, two = tabs
    one.wait_until_running("Ada")
    one.page.get_by_role("button", name="Pause").click()
    for tab in tabs:
        expect(tab.status).to_have_text("paused")
    frozen = left_on_server(service, one, 0)
    assert frozen < 180_000
    for tab in tabs:
        tab.expect_remaining("Ada", frozen)
    two.page.get_by_role("button", name="Resume").click()
    expect(one.status).to_have_text("running")
    one.wait_until_running("Ada")
    assert one.remaining("Ada") < frozen


def test_a_flag_falls_in_both_tabs(open_page: Opener, open_in_second_window: Opener) -> None:
    one = open_page()
    one.create(time_on_each_clock="0:01", added_per_turn="0")
    two = open_in_second_window(one.page.url)
    expect(two.status).to_have_text("pending")
    one.start()
    for tab in (one, two):
        expect(tab.status).to_have_text("expired")
        expect(tab.time_of("Ada")).to_have_text("0:00.0")
        expect(tab.clock("Ada")).to_contain_text("Flag fallen")
        expect(tab.clock("Ben")).to_contain_text("Wins on time")
        expect(tab.page.locator(".outcome")).to_have_text(
            re.compile("^Time is up. Ada.s flag fell: Ben wins on time.$")
        )
        expect(tab.time_of("Ben")).to_have_text("0:01.0")


def test_time_is_added_to_a_clock_that_runs(tabs: tuple[Console, Console]) -> None:
    one, two = tabs
    one.clock("Ada").get_by_role("button", name="Add 15 seconds").click()
    expect(two.time_of("Ada")).to_have_text(re.compile(r"3:1\d"))
    two.clock("Ben").get_by_role("button", name="Take 15 seconds off").click()
    expect(one.time_of("Ben")).to_have_text("2:45")


def test_low_time_is_marked(open_page: Opener) -> None:
    console = open_page()
    console.create(time_on_each_clock="0:30", warn_when_this_is_left="0:29.9")
    console.start()
    expect(console.clock("Ada")).to_have_attribute("data-low", "")
    expect(console.clock("Ben")).not_to_have_attribute("data-low", "")

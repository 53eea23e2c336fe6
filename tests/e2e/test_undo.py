"""Undo of the last switch."""

import httpx
import pytest
from playwright.sync_api import Locator, expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.console import Console
from tests.e2e.problems import Problems
from tests.e2e.stories import create_session

CONFLICT = "409 (Conflict)"
WAYS = {
    "turn_start": "The turn starts again",
    "before_switch": "The turn goes on, its time stays spent",
    "as_if_never": "As if the switch had not happened",
}


def open_undo(console: Console) -> Locator:
    """Open the dialog from the menu."""
    console.page.get_by_role("button", name="More").click()
    console.page.get_by_role("button", name="Undo the last").click()
    return console.page.get_by_role("dialog")


def undo(dialog: Locator, mode: str, reason: str = "") -> None:
    """Choose a way in the dialog, and submit it."""
    dialog.get_by_label(WAYS[mode]).check()
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_role("button", name="Undo", exact=True).click()


@pytest.mark.parametrize("mode", WAYS)
def test_each_way_gives_the_turn_back(open_page: Opener, service: Instance, mode: str) -> None:
    session = create_session(service.url)
    session.do("start", "switch")
    console = open_page(session.path)
    expect(console.active).to_have_text("Ben")
    undo(open_undo(console), mode, "wrong button")
    expect(console.active).to_have_text("Ada")
    expect(console.page.get_by_role("dialog")).to_be_hidden()
    expect(console.events.first).to_contain_text("Switch undone: Ada")
    expect(console.events.first).to_contain_text("(wrong button)")
    event = session.events[-1]
    assert event["event"] == "switch_undone"
    assert event["metadata"] == {"mode": mode, "reason": "wrong button"}


def test_the_key_u_opens_the_dialog_and_enter_undoes(open_page: Opener, service: Instance) -> None:
    session = create_session(service.url)
    console = open_page(session.path)
    expect(console.status).to_have_text("pending")
    console.page.keyboard.press("u")
    expect(console.page.get_by_role("dialog")).to_have_count(0)
    session.do("start", "switch")
    expect(console.active).to_have_text("Ben")
    console.page.keyboard.press("u")
    expect(console.page.get_by_role("dialog")).to_be_visible()
    console.page.keyboard.press("Enter")
    expect(console.active).to_have_text("Ada")
    expect(console.events.first).to_contain_text("turn starts again")


def test_nothing_to_undo_is_said(open_page: Opener, service: Instance, problems: Problems) -> None:
    session = create_session(service.url)
    session.do("start")
    dialog = open_undo(open_page(session.path))
    undo(dialog, "turn_start")
    expect(dialog.get_by_role("alert")).to_contain_text("There is nothing to undo.")
    problems.expect(CONFLICT)


def test_a_pause_since_the_switch_leaves_one_way(
    open_page: Opener, service: Instance, problems: Problems
) -> None:
    session = create_session(service.url)
    session.do("start", "switch", "pause", "resume")
    console = open_page(session.path)
    dialog = open_undo(console)
    undo(dialog, "before_switch")
    expect(dialog.get_by_role("alert")).to_contain_text("Choose the last of the three ways.")
    undo(dialog, "as_if_never")
    expect(console.active).to_have_text("Ada")
    problems.expect(CONFLICT)


def test_only_the_switch_that_the_user_saw_is_undone(
    open_page: Opener, service: Instance, problems: Problems
) -> None:
    session = create_session(service.url)
    session.do("start", "switch")
    console = open_page(session.path)
    expect(console.active).to_have_text("Ben")
    dialog = open_undo(console)
    session.do("switch")
    expect(console.active).to_have_text("Ada")
    undo(dialog, "turn_start")
    expect(dialog.get_by_role("alert")).to_contain_text("The session has changed")
    expect(console.active).to_have_text("Ada")
    problems.expect(CONFLICT)


@pytest.mark.parametrize("mode", ["turn_start"])
def test_the_bars_leave_out_an_undone_turn(open_page: Opener, service: Instance, mode: str) -> None:
    session = create_session(service.url)
    session.do("start", "switch", "switch", "switch")
    httpx.post(f"{service.url}/v1/sessions/{session.id}/undo", json={"mode": mode})
    session.do("switch", "pause")
    console = open_page(session.path)
    expect(console.events.first).to_have_text("Paused")
    used = [one["time_used_ms"] for one in session.state["participants"]]
    assert [bar.length for bar in console.bars] == used
    assert [bar.before for bar in console.bars] == [0, 0]
    assert [len(bar.turns) for bar in console.bars] == [2, 1]


def test_an_undone_lap_leaves_the_list(open_page: Opener, service: Instance) -> None:
    console = open_page()
    console.create("count_up")
    console.start()
    for lap in (2, 3):
        console.wait_until_running(f"Lap {lap - 1}")
        console.primary.click()
        expect(console.clock(f"Lap {lap}")).to_be_visible()
    laps = console.page.locator(".laps li")
    expect(laps).to_have_count(2)
    console.page.keyboard.press("u")
    dialog = console.page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("Undo the last lap")
    dialog.get_by_role("button", name="Undo", exact=True).click()
    expect(console.clock("Lap 2")).to_be_visible()
    expect(laps).to_have_count(1)

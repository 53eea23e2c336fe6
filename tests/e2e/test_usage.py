"""The chart of the time that each participant has used."""

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.stories import SHAPES, ApiSession, create_session

TURNS = 5


def played(url: str, shape: str) -> ApiSession:
    """Create a paused session with finished turns, one of them interrupted, and an open one."""
    session = create_session(url, shape)
    session.do(
        "start", "switch", "switch", "pause", "resume", "switch", "switch", "switch", "pause"
    )
    return session


def used(state: Any) -> list[int]:
    """Return the expected length of each bar: of groups, participants or the session, ms."""
    sides = state.get("groups") or state["participants"]
    if sides:
        return [side["time_used_ms"] for side in sides]
    whole = state.get("max_time_ms", state.get("total_time_ms"))
    return [whole - state["time_remaining_ms"]]


@pytest.mark.parametrize("shape", SHAPES)
def test_turns_add_up_to_the_time_used(open_page: Opener, service: Instance, shape: str) -> None:
    session = played(service.url, shape)
    console = open_page(session.path)
    expect(console.events.first).to_have_text("Paused")
    expect(console.status).to_have_text("paused")
    assert [bar.length for bar in console.bars] == used(session.state)
    turns = sum(len(bar.turns) for bar in console.bars)
    incomplete = sum(bar.before > 0 for bar in console.bars)
    assert turns + incomplete <= TURNS
    if shape not in ("count_up", "global"):
        assert incomplete == 0
    for bar in console.bars:
        assert bar.label.startswith(("Turns: ", "No turn has ended yet"))


def test_the_bar_of_the_active_participant_grows(open_page: Opener, service: Instance) -> None:
    session = create_session(service.url)
    session.do("start", "switch")
    console = open_page(session.path)
    expect(console.events.first).to_have_text("Ada → Ben")
    running = console.page.locator(".usage-rows [data-running]")
    expect(running.locator(".usage-name")).to_have_text("Ben")
    began = console.bars[1].rest
    console.page.wait_for_function(
        "began => document.querySelectorAll('.rest')[1].width.baseVal.value > began + 200",
        arg=began,
    )
    ada = console.bars[0]
    assert ada.rest == 0
    assert len(ada.turns) == 1


def test_fifty_bars_are_small_and_the_heading_stays_in_view(
    open_page: Opener, service: Instance
) -> None:
    console = open_page(played(service.url, "per_participant many").path)
    expect(console.page.locator(".usage-rows li")).to_have_count(50)
    assert height(console.page.locator(".usage-rows li").first) < 20
    console.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(console.page.locator(".history summary")).to_be_in_viewport()


def test_on_a_wide_screen_the_history_is_beside_the_clocks(open_page: Opener) -> None:
    console = open_page()
    console.create()
    history_box = console.page.locator(".history").bounding_box()
    assert history_box is not None
    for face in console.clocks.all():
        box = face.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] < history_box["x"]
        assert box["height"] > 500
    assert console.page.evaluate("document.documentElement.scrollHeight") <= 800


def test_on_a_phone_the_history_is_collapsed_below_the_clocks(open_page: Opener) -> None:
    console = open_page()
    console.page.set_viewport_size({"width": 390, "height": 844})
    console.page.reload()
    console.create()
    expect(console.events).to_be_hidden()
    console.page.locator(".history summary").click()
    expect(console.events).to_have_text(["Session created"])
    for face in console.clocks.all():
        expect(face).to_be_in_viewport(ratio=1)
    assert console.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_collapsed_history_stays_collapsed_after_a_reload(open_in_new_window: Opener) -> None:
    console = open_in_new_window()
    console.create()
    expect(console.events).to_have_text(["Session created"])
    console.page.locator(".history summary").click()
    expect(console.events).to_be_hidden()
    console.page.reload()
    expect(console.status).to_have_text("pending")
    expect(console.events).to_be_hidden()


def height(locator: Locator) -> float:
    """Return the drawn height, px."""
    box = locator.bounding_box()
    assert box is not None
    return box["height"]

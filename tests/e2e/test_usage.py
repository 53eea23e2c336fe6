"""The picture of everybody's time used so far."""

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.stories import SHAPES, Story, story

TURNS = 5


def played(url: str, shape: str) -> Story:
    """A paused session with some finished turns, one of them interrupted, and one unfinished."""
    told = story(url, shape)
    told.do("start", "switch", "switch", "pause", "resume", "switch", "switch", "switch", "pause")
    return told


def used(state: Any) -> list[int]:
    """What each bar is to show: groups, or participants, or the session."""
    sides = state.get("groups") or state["participants"]
    if sides:
        return [side["time_used_ms"] for side in sides]
    whole = state.get("max_time_ms", state.get("total_time_ms"))
    return [whole - state["time_remaining_ms"]]


@pytest.mark.parametrize("shape", SHAPES)
def test_turns_add_up_to_the_time_used(open_page: Opener, service: Instance, shape: str) -> None:
    told = played(service.url, shape)
    console = open_page(told.path)
    expect(console.events.first).to_have_text("Paused")
    expect(console.status).to_have_text("paused")
    assert [bar.length for bar in console.bars] == used(told.state)
    turns = sum(len(bar.turns) for bar in console.bars)
    untold = sum(bar.before > 0 for bar in console.bars)
    assert turns + untold <= TURNS
    if shape not in ("count_up", "global"):
        assert untold == 0
    for bar in console.bars:
        assert bar.label.startswith(("Turns: ", "No turn has ended yet"))


def test_the_bar_of_whose_turn_it_is_grows(open_page: Opener, service: Instance) -> None:
    told = story(service.url)
    told.do("start", "switch")
    console = open_page(told.path)
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


def test_fifty_bars_are_small_and_the_clocks_stay_in_view(
    open_page: Opener, service: Instance
) -> None:
    console = open_page(played(service.url, "per_participant many").path)
    expect(console.page.locator(".usage-rows li")).to_have_count(50)
    assert height(console.page.locator(".usage-rows li").first) < 20
    console.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(console.page.locator(".story summary")).to_be_in_viewport()


def test_beside_the_clocks_there_is_room_where_there_is_room(open_page: Opener) -> None:
    console = open_page()
    console.create()
    story_box = console.page.locator(".story").bounding_box()
    assert story_box is not None
    for face in console.faces.all():
        box = face.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] < story_box["x"]
        assert box["height"] > 500
    assert console.page.evaluate("document.documentElement.scrollHeight") <= 800


def test_on_a_phone_it_is_folded_up_below_the_clocks(open_page: Opener) -> None:
    console = open_page()
    console.page.set_viewport_size({"width": 390, "height": 844})
    console.page.reload()
    console.create()
    expect(console.events).to_be_hidden()
    console.page.locator(".story summary").click()
    expect(console.events).to_have_text(["Session created"])
    for face in console.faces.all():
        expect(face).to_be_in_viewport(ratio=1)
    assert console.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_who_folds_it_up_finds_it_so(open_anew: Opener) -> None:
    console = open_anew()
    console.create()
    expect(console.events).to_have_text(["Session created"])
    console.page.locator(".story summary").click()
    expect(console.events).to_be_hidden()
    console.page.reload()
    expect(console.status).to_have_text("pending")
    expect(console.events).to_be_hidden()


def height(locator: Locator) -> float:
    """Of what is drawn, px."""
    box = locator.bounding_box()
    assert box is not None
    return box["height"]

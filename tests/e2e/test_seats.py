"""Who starts a game, on which side of the page each player has the clock, and full screen."""

from base64 import b64encode
from typing import Any

import pytest
from playwright.sync_api import expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.console import Console
from tests.e2e.stories import create_session


def names_from_left(console: Console) -> list[str]:
    """Return the names on the clocks, in the order of the page."""
    return console.page.locator(".face-name").all_text_contents()


def swap(console: Console) -> None:
    """Let the two clocks change places."""
    console.page.get_by_role("button", name="More").click()
    console.page.get_by_role("button", name="Swap sides").click()


def test_the_chosen_person_starts_and_the_others_follow_in_their_order(
    open_page: Opener, service: Instance
) -> None:
    console = open_page()
    console.page.get_by_role("button", name="Board game night", exact=True).click()
    console.field("Who starts").select_option(label="Cleo")
    console.submit.click()
    expect(console.active).to_have_text("Cleo")
    assert names_from_left(console) == ["Cleo", "Dan", "Ada", "Ben"]


def test_a_person_who_was_removed_from_the_form_does_not_start(open_page: Opener) -> None:
    console = open_page()
    console.page.get_by_role("button", name="Board game night", exact=True).click()
    console.field("Who starts").select_option(label="Dan")
    console.page.get_by_role("button", name="Remove").last.click()
    expect(console.field("Who starts").locator("option:checked")).to_have_text(
        "The first in the list"
    )
    assert console.field("Who starts").locator("option").all_text_contents() == [
        "The first in the list",
        "Ada",
        "Ben",
        "Cleo",
        "Drawn by lot",
    ]


def test_one_of_the_people_is_drawn_by_lot(open_page: Opener) -> None:
    console = open_page()
    console.page.evaluate("Math.random = () => 0.99")
    console.field("Who starts").select_option(label="Drawn by lot")
    console.submit.click()
    expect(console.active).to_have_text("Ben")


@pytest.mark.parametrize("preset", ["Auction", "Meeting", "Quiz"])
def test_nobody_starts_where_people_have_no_turns(open_page: Opener, preset: str) -> None:
    console = open_page()
    console.page.locator("input[value=global]").check(force=True)
    console.page.get_by_role("button", name=preset, exact=True).click()
    expect(console.field("Who starts")).to_be_hidden()


def test_two_clocks_change_places_and_a_rematch_leaves_them_there(
    open_page: Opener, service: Instance
) -> None:
    session = create_session(service.url)
    session.do("start")
    console = open_page(session.path)
    expect(console.active).to_have_text("Ada")
    swap(console)
    assert names_from_left(console) == ["Ben", "Ada"]
    console.page.reload()
    expect(console.active).to_have_text("Ada")
    assert names_from_left(console) == ["Ben", "Ada"]
    console.page.keyboard.press("1")
    expect(console.active).to_have_text("Ben")
    session.do("complete")
    console.page.get_by_role("button", name="Rematch").click()
    expect(console.status).to_have_text("pending")
    expect(console.active).to_have_text("Ben")
    assert names_from_left(console) == ["Ben", "Ada"]
    swap(console)
    assert names_from_left(console) == ["Ada", "Ben"]


_CONTROLS = """() => [...document.querySelectorAll("button, a, summary, [popover], kbd")]
  .filter(node => node.checkVisibility({visibilityProperty: true}))
  .filter(node => !node.matches(".skip, .face-press"))
  .map(node => node.textContent)"""
"""Visible controls, apart from the clocks themselves."""


def test_full_screen_hides_all_controls_and_their_keys_still_work(
    open_page: Opener, service: Instance
) -> None:
    session = create_session(service.url)
    console = open_page(session.path)
    expect(console.status).to_have_text("pending")
    console.page.keyboard.press("f")
    console.page.wait_for_function("document.fullscreenElement !== null")
    assert console.page.evaluate(_CONTROLS) == []
    console.page.keyboard.press("Space")
    expect(console.page.locator("body")).to_have_attribute("data-status", "running")
    console.page.keyboard.press("f")
    console.page.wait_for_function("document.fullscreenElement === null")
    expect(console.primary).to_be_visible()


_ALPHA = """async image => {
  const blob = await (await fetch(`data:image/png;base64,${image}`)).blob();
  const bitmap = await createImageBitmap(blob);
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(1, 1, 1, 1).data[3];
}"""
"""The opacity of the first pixels of a PNG image in base64, 0 to 255."""


@pytest.mark.parametrize(("theme", "alpha"), [("transparent", 0), ("dark", 255)])
def test_a_display_has_no_controls_and_with_that_theme_no_background(
    open_page: Opener, service: Instance, theme: str, alpha: int
) -> None:
    session = create_session(service.url)
    session.do("start")
    console = open_page(f"{session.path}&view=display&theme={theme}")
    expect(console.active).to_have_text("Ada")
    assert console.page.evaluate(_CONTROLS) == []
    assert opacity(console) == alpha


def opacity(console: Console) -> Any:
    """Return the opacity of the page's corner, in front of nothing."""
    image = console.page.screenshot(omit_background=True)
    reader = console.page.context.new_page()  # the page's own policy forbids to read an image
    try:
        return reader.evaluate(_ALPHA, b64encode(image).decode())
    finally:
        reader.close()

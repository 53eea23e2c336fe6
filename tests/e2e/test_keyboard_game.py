"""A whole game of chess by keyboard alone: Tab, the arrow keys, Enter and the page's own keys."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Opener

MOST_TABS = 60
_FOCUSED = """() => {
  const node = document.activeElement;
  const label = node.labels?.[0]?.textContent ?? "";
  return node.ariaLabel || label || node.firstChild?.textContent || node.textContent || "";
}"""


def tab_to(page: Page, label: str) -> None:
    """Press Tab until the control with this name or label has the focus."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate(_FOCUSED).strip().startswith(label):
            return
    raise AssertionError(f"Tab doesn't reach {label}")


def type_over(page: Page, text: str) -> None:
    """Replace the text of the field that has the focus."""
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type(text)


def test_a_game_from_its_creation_to_its_result(open_page: Opener) -> None:
    console = open_page()
    page, press = console.page, console.page.keyboard.press
    expect(console.submit).to_be_visible()
    tab_to(page, "Name of the session")
    type_over(page, "Final")
    tab_to(page, "Name")
    type_over(page, "Anna")
    tab_to(page, "Name")
    type_over(page, "Boris")
    tab_to(page, "Who starts")
    press("ArrowDown")
    press("ArrowDown")
    expect(console.field("Who starts").locator("option:checked")).to_have_text("Boris")
    tab_to(page, "Create session")
    press("Enter")
    expect(console.status).to_have_text("pending")
    expect(console.active).to_have_text("Boris")

    press("Space")
    expect(console.status).to_have_text("running")
    press("Space")
    expect(console.active).to_have_text("Anna")
    press("1")
    expect(console.active).to_have_text("Boris")

    press("p")
    expect(console.status).to_have_text("paused")
    tab_to(page, "More")
    press("Enter")
    tab_to(page, "Change a clock")
    press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Time")).to_be_focused()
    page.keyboard.type("1m")
    press("Tab")
    page.keyboard.type("the clock was started late")
    press("Enter")
    expect(dialog).to_be_hidden()
    expect(console.events.first).to_have_text(
        "1:00 added to all clocks (the clock was started late)"
    )

    press("p")
    expect(console.status).to_have_text("running")
    press("u")
    expect(dialog).to_be_visible()
    press("Escape")
    expect(dialog).to_be_hidden()
    tab_to(page, "More")
    press("Enter")
    tab_to(page, "Complete the session")
    press("Enter")
    tab_to(page, "Result")
    press("ArrowDown")
    tab_to(page, "Complete")
    press("Enter")
    expect(console.status).to_have_text("completed")
    expect(page.locator(".outcome")).to_have_text(re.compile("^Boris wins[.]"))

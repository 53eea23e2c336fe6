"""A whole game of chess by keyboard alone: Tab, the arrow keys, Enter and the page's own keys."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Opener
from tests.e2e.console import Console

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
    create(console)
    play(console)
    add_a_minute_for_all(console)
    let_boris_win(console)


def create(console: Console) -> None:
    """Create a game of Anna and Boris, which Boris starts."""
    page = console.page
    expect(console.submit).to_be_visible()
    tab_to(page, "Name of the session")
    type_over(page, "Final")
    for name in ("Anna", "Boris"):
        tab_to(page, "Name")
        type_over(page, name)
    tab_to(page, "Who starts")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(console.field("Who starts").locator("option:checked")).to_have_text("Boris")
    tab_to(page, "Create session")
    page.keyboard.press("Enter")
    expect(console.status).to_have_text("pending")
    expect(console.active).to_have_text("Boris")


def play(console: Console) -> None:
    """Start, switch, choose, pause and resume; the last switch could be undone."""
    press = console.page.keyboard.press
    press("Space")
    expect(console.status).to_have_text("running")
    press("Space")
    expect(console.active).to_have_text("Anna")
    press("1")
    expect(console.active).to_have_text("Boris")
    press("p")
    expect(console.status).to_have_text("paused")
    press("p")
    expect(console.status).to_have_text("running")
    press("u")
    expect(console.page.get_by_role("dialog")).to_be_visible()
    press("Escape")
    expect(console.page.get_by_role("dialog")).to_be_hidden()


def choose_in_menu(page: Page, entry: str) -> None:
    """Open the menu and choose the entry."""
    tab_to(page, "More")
    page.keyboard.press("Enter")
    tab_to(page, entry)
    page.keyboard.press("Enter")


def add_a_minute_for_all(console: Console) -> None:
    """Change all clocks, with a reason."""
    page = console.page
    choose_in_menu(page, "Change a clock")
    expect(page.get_by_role("dialog").get_by_label("Time")).to_be_focused()
    page.keyboard.type("1m")
    tab_to(page, "Reason")
    page.keyboard.type("late start")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(console.events.first).to_have_text("1:00 added to all clocks (late start)")


def let_boris_win(console: Console) -> None:
    """Complete the game with a result."""
    page = console.page
    choose_in_menu(page, "Complete the session")
    tab_to(page, "Result")
    page.keyboard.press("ArrowDown")
    tab_to(page, "Complete")
    page.keyboard.press("Enter")
    expect(console.status).to_have_text("completed")
    expect(page.locator(".outcome")).to_have_text(re.compile("^Boris wins[.]"))

"""An organiser's evening: four boards, a player on a phone, a penalty, an undo, a projector."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from infra.local.instance import Instance
from tests.e2e.conftest import PHONE, PROJECTOR, watched_window
from tests.e2e.console import Console
from tests.e2e.problems import FORBIDDEN, NOT_FOUND, Problems
from tests.support import tokens

BOARDS = {"Board 1": ("Anna", "Boris"), "Board 2": ("Cleo", "Dan")} | {
    f"Board {n}": (f"White {n}", f"Black {n}") for n in (3, 4)
}
MINUTE_MS = 60_000


@pytest.fixture
def desk(chromium: Browser, auth_service: Instance, problems: Problems) -> Iterator[BrowserContext]:
    """The organiser's browser."""
    with watched_window(chromium, auth_service, problems) as window:
        yield window
    problems.ignore(NOT_FOUND)  # a session without a code, when its dialog is opened


@pytest.fixture
def phone(chromium: Browser, auth_service: Instance, problems: Problems) -> Iterator[Page]:
    """A player's phone."""
    with watched_window(chromium, auth_service, problems, **PHONE) as window:
        yield window.new_page()
    problems.ignore(FORBIDDEN)  # only hosts may read the history


def test_an_organiser_runs_a_round_of_four_boards(desk: BrowserContext, phone: Page) -> None:
    organiser = Console(desk.new_page())
    organiser.page.goto(f"/#token={tokens.host('organiser')}")
    for title in reversed(BOARDS):
        create_board(organiser, title)
    let_a_player_join(organiser, phone)
    player = Console(phone)
    start_and_undo_a_mistake(organiser, player)
    take_a_minute_from_boris(organiser, player)
    projector = show_all_boards(desk)
    record_the_result(organiser, player, projector)


def create_board(console: Console, title: str) -> None:
    """Create one game from the start page, as its only changes the names."""
    console.page.goto("/")
    console.field("Name of the session").fill(title)
    for number, name in enumerate(BOARDS[title], start=1):
        console.field(f"Name: participant {number}").fill(name)
    console.submit.click()
    expect(console.status).to_have_text("pending")
    expect(console.page.get_by_role("heading", name=title)).to_be_visible()


def let_a_player_join(organiser: Console, phone: Page) -> None:
    """Open a code; Anna's phone follows the link of its QR code."""
    organiser.page.get_by_role("button", name="Share").click()
    organiser.page.get_by_role("button", name="Join with a code").click()
    dialog = organiser.page.get_by_role("dialog", name="Join with a code")
    dialog.get_by_label("People can").select_option("take part as one of the people")
    dialog.get_by_role("button", name="Open a code").click()
    expect(dialog.locator(".qr-code svg")).to_be_visible()
    phone.goto(dialog.get_by_role("textbox", name="Link").input_value())
    phone.get_by_role("button", name="Anna").tap()
    expect(Console(phone).status).to_have_text("pending")
    expect(dialog.get_by_role("status")).to_contain_text("1 person has joined")
    dialog.get_by_role("button", name="Close", exact=True).click()


def start_and_undo_a_mistake(organiser: Console, player: Console) -> None:
    """Anna ends her turn on the phone; the organiser ends Boris's turn and undoes that."""
    organiser.start()
    expect(player.primary).to_be_visible()
    player.primary.tap()
    expect(organiser.active).to_have_text("Boris")
    organiser.page.keyboard.press("Space")
    expect(player.active).to_have_text("Anna")
    organiser.page.keyboard.press("u")
    organiser.page.get_by_role("dialog").get_by_role("button", name="Undo", exact=True).click()
    for page in (organiser, player):
        expect(page.active).to_have_text("Boris")


def take_a_minute_from_boris(organiser: Console, player: Console) -> None:
    """The arbiter stops the clocks for a penalty; the phone shows the time that is left."""
    organiser.page.get_by_role("button", name="Pause").click()
    expect(organiser.status).to_have_text("paused")
    before = organiser.remaining("Boris")
    organiser.page.get_by_role("button", name="More", exact=True).click()
    organiser.page.get_by_role("button", name="Change a clock").click()
    dialog = organiser.page.get_by_role("dialog")
    dialog.get_by_label("Clock").select_option(label="Boris")
    dialog.get_by_label("Change").select_option(label="Take time away")
    dialog.get_by_label("Time", exact=True).fill("1m")
    dialog.get_by_label("Reason").fill("phone rang")
    dialog.get_by_role("button", name="Change").click()
    expect(organiser.events.first).to_contain_text("(phone rang)")
    for page in (organiser, player):
        page.expect_remaining("Boris", round(before) - MINUTE_MS)
    organiser.page.get_by_role("button", name="Resume").click()
    expect(player.status).to_have_text("running")


def show_all_boards(desk: BrowserContext) -> Page:
    """Choose the four games from the list of the board's form, in the window of the projector."""
    page = desk.new_page()
    page.set_viewport_size(PROJECTOR)
    page.goto(f"/#token={tokens.host('organiser')}")
    page.get_by_role("link", name="Board", exact=True).click()
    for title in BOARDS:
        page.get_by_role("checkbox", name=title).check()
    page.get_by_role("button", name="Show the board").click()
    expect(page.locator(".tile")).to_have_count(len(BOARDS))
    for title, names in BOARDS.items():
        for name in names:
            expect(tile(page, title).get_by_role("timer", name=name)).to_be_visible()
    expect(tile(page, "Board 1")).to_have_attribute("data-status", "running")
    expect(tile(page, "Board 2").locator(".tile-status")).to_have_text("Not started")
    return page


def tile(page: Page, title: str) -> Locator:
    return page.locator(".tile").filter(has=page.get_by_role("heading", name=title))


def record_the_result(organiser: Console, player: Console, projector: Page) -> None:
    """Boris resigns; the phone, the projector and the history have the result."""
    organiser.page.get_by_role("button", name="More", exact=True).click()
    organiser.page.get_by_role("button", name="Complete the session").click()
    dialog = organiser.page.get_by_role("dialog")
    dialog.get_by_label("Result").select_option(label="Anna wins")
    dialog.get_by_label("By").fill("resignation")
    dialog.get_by_role("button", name="Complete").click()
    for page in (organiser, player):
        expect(page.page.locator(".outcome")).to_contain_text("Anna wins by resignation.")
    expect(tile(projector, "Board 1").locator(".tile-status")).to_have_text("Completed")

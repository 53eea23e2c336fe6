"""A quizmaster's evening: players join by code on their phones, and answer on their own clocks."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from infra.local.instance import Instance
from tests.e2e.conftest import PHONE, watched_window
from tests.e2e.console import Console
from tests.e2e.problems import FORBIDDEN, NOT_FOUND, Problems
from tests.support import tokens

PLAYERS = ("Ada", "Ben")


@pytest.fixture
def quizmaster(chromium: Browser, auth_service: Instance, problems: Problems) -> Iterator[Console]:
    """The quizmaster's tab."""
    with watched_window(chromium, auth_service, problems) as window:
        yield Console(window.new_page())
    problems.ignore(NOT_FOUND)  # a session without a code, when its dialog is opened


@pytest.fixture
def phones(chromium: Browser, auth_service: Instance, problems: Problems) -> Iterator[list[Page]]:
    """The players' phones."""
    with (
        watched_window(chromium, auth_service, problems, **PHONE) as one,
        watched_window(chromium, auth_service, problems, **PHONE) as two,
    ):
        yield [one.new_page(), two.new_page()]
    problems.ignore(FORBIDDEN)  # only hosts may read the history


def test_a_quizmaster_asks_players_who_joined_by_code(
    quizmaster: Console, phones: list[Page]
) -> None:
    create_quiz(quizmaster)
    code = open_code(quizmaster)
    for phone, name in zip(phones, PLAYERS, strict=True):
        join(phone, code, name)
    expect(quizmaster.page.locator(".run-name")).to_have_text(PLAYERS)
    quizmaster.page.get_by_role("button", name="Start the quiz").click()
    let_all_answer(quizmaster, phones)
    let_time_run_out(quizmaster, phones)
    end(quizmaster, phones)


def create_quiz(quizmaster: Console) -> None:
    """Create a quiz of two questions with 30 s each, for Ada and whoever comes."""
    page = quizmaster.page
    page.goto(f"/#token={tokens.host('quizmaster')}")
    page.locator("input[value=individual]").check(force=True)
    page.get_by_role("button", name="Quiz", exact=True).click()
    for remove in page.get_by_role("button", name="Remove").all()[:0:-1]:
        remove.click()
    quizmaster.field("Questions").fill("2")
    quizmaster.submit.click()
    expect(quizmaster.status).to_have_text("pending")


def open_code(quizmaster: Console) -> str:
    """Open a code for new people and return its letters."""
    page = quizmaster.page
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Join with a code").click()
    dialog = page.get_by_role("dialog", name="Join with a code")
    dialog.get_by_label("People can").select_option("take part, also as new people")
    dialog.get_by_role("button", name="Open a code").click()
    letters = dialog.locator(".join-code-letters")
    expect(letters).to_be_visible()
    code = re.sub(r"\s", "", letters.inner_text())
    dialog.get_by_role("button", name="Close", exact=True).click()
    return code


def join(phone: Page, code: str, name: str) -> None:
    """Type the code on a phone; choose the name, or enter a new one."""
    phone.goto("/join")
    phone.get_by_label("Code").fill(code)
    phone.get_by_role("button", name="Join").tap()
    expect(phone.get_by_role("heading", name="Who are you?")).to_be_visible()
    if name == PLAYERS[0]:
        phone.get_by_role("button", name=name).tap()
    else:
        phone.get_by_label("Your name").fill(name)
        phone.locator("form").get_by_role("button", name="Join").tap()
    expect(phone.locator(".big-clock")).to_contain_text(name)


def let_all_answer(quizmaster: Console, phones: list[Page]) -> None:
    """Both answer the first question; then the next one can begin."""
    follow = quizmaster.page.get_by_role("button", name="Next question")
    expect(follow).to_be_disabled()
    for phone in phones:
        phone.get_by_role("button", name="Answer").tap()
    expect(quizmaster.page.locator(".big-detail")).to_have_text("2 of 2 answered")
    follow.click()


def let_time_run_out(quizmaster: Console, phones: list[Page]) -> None:
    """Ada answers the second question; Ben's time runs out."""
    expect(quizmaster.page.locator(".big-label")).to_have_text("Question 2 of 2")
    ada, ben = phones
    ada.get_by_role("button", name="Answer").tap()
    expect(quizmaster.page.locator(".big-detail")).to_have_text("1 of 2 answered")
    quizmaster.page.get_by_role("button", name="More time").click()
    dialog = quizmaster.page.get_by_role("dialog")
    dialog.get_by_label("Minutes").fill("-24s")
    dialog.get_by_role("button", name="Give time").click()
    expect(ben.get_by_role("alert").filter(has_text=re.compile("Time.s up"))).to_be_visible()
    room = quizmaster.page.locator(".big-clock")
    expect(room.get_by_role("timer")).to_have_text("0:00")
    expect(room.get_by_role("alert")).to_have_text(re.compile("^Time.s up$"))


def end(quizmaster: Console, phones: list[Page]) -> None:
    """End the quiz on all screens."""
    quizmaster.page.get_by_role("button", name="End the quiz").first.click()
    quizmaster.page.get_by_role("dialog").get_by_role("button", name="Complete").click()
    expect(quizmaster.status).to_have_text("completed")
    for phone in phones:
        expect(Console(phone).status).to_have_text("completed")

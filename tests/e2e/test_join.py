"""People join with a code: the host's dialog, the page for phones, and its messages."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from infra.local.instance import Instance
from infra.local.postgres import EmbeddedPostgres
from tests.e2e.axe import violations
from tests.e2e.conftest import protected_service
from tests.e2e.console import Console, deadlines
from tests.e2e.problems import FORBIDDEN, NOT_FOUND, Problems
from tests.support import tokens

CONFLICT = "the server responded with a status of 409"
TOO_MANY = "the server responded with a status of 429"
WRONG = "zzz zzz"


@pytest.fixture(scope="module")
def auth_service(postgres: EmbeddedPostgres) -> Iterator[Instance]:
    """A service that requires tokens; proxies tell the addresses of its clients."""
    with protected_service(postgres, TRUSTED_PROXY_HOPS="1") as instance:
        yield instance


def window_at(chromium: Browser, service: Instance, address: str) -> BrowserContext:
    """Return a window whose requests seem to come from `address`."""
    return chromium.new_context(
        base_url=service.url, extra_http_headers={"X-Forwarded-For": address}
    )


@pytest.fixture
def host(chromium: Browser, auth_service: Instance, problems: Problems) -> Iterator[Console]:
    """The host's tab, with a game of Ada and Ben."""
    with window_at(chromium, auth_service, "192.0.2.1") as window:
        page = window.new_page()
        problems.watch(page)
        page.goto(f"/#token={tokens.host()}")
        console = Console(page)
        console.create()
        yield console
    problems.ignore(NOT_FOUND)  # the session had no code when the dialog was opened


@pytest.fixture
def phone(
    chromium: Browser, auth_service: Instance, problems: Problems, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """A phone in a network of its own."""
    number = sum(map(ord, request.node.name)) % 250
    with window_at(chromium, auth_service, f"198.51.100.{number}") as window:
        page = window.new_page()
        page.set_viewport_size({"width": 390, "height": 844})
        problems.watch(page)
        yield page
    problems.ignore(FORBIDDEN)  # only hosts may read the history


def open_code(host: Console, people_can: str) -> str:
    """Open a code in the host's dialog and return its letters."""
    host.page.get_by_role("button", name="Share").click()
    host.page.get_by_role("button", name="Join with a code").click()
    dialog = host.page.get_by_role("dialog", name="Join with a code")
    dialog.get_by_label("People can").select_option(people_can)
    dialog.get_by_role("button", name="Open a code").click()
    return letters_in(dialog)


def letters_in(dialog: Locator) -> str:
    """Return the letters of the code that the dialog shows."""
    letters = dialog.locator(".join-code-letters")
    expect(letters).to_be_visible()
    return letters.inner_text().replace("\n", "").replace(" ", "")


def enter(page: Page, code: str) -> None:
    """Type a code at `/join`, and send it."""
    page.goto("/join")
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Join").click()


def test_a_phone_watches_with_the_code_and_shows_the_same_time(host: Console, phone: Page) -> None:
    code = open_code(host, "watch")
    enter(phone, f"{code[:3].lower()} {code[3:].lower()}")
    watcher = Console(phone)
    expect(watcher.status).to_have_text("pending")
    expect(watcher.primary).to_be_hidden()
    assert code not in phone.url
    assert "token" not in phone.url
    dialog = host.page.get_by_role("dialog")
    expect(dialog.get_by_role("status")).to_contain_text("1 person has joined")
    dialog.get_by_role("button", name="Close", exact=True).click()
    host.start()
    expect(watcher.status).to_have_text("running")
    watcher.wait_until_running("Ada")
    seen_by_host, seen_by_phone = deadlines([host, watcher], "Ada")
    assert abs(seen_by_host - seen_by_phone) < 50


def test_people_say_who_they_are_and_two_can_not_be_the_same(
    host: Console, phone: Page, problems: Problems
) -> None:
    code = open_code(host, "take part as one of the people")
    other = phone.context.new_page()
    problems.watch(other)
    for page in (phone, other):
        page.goto(f"/join#code={code}")
        expect(page.get_by_role("heading", name="Who are you?")).to_be_visible()
    phone.get_by_role("button", name="Ada").click()
    expect(Console(phone).status).to_have_text("pending")
    other.get_by_role("button", name="Ada").click()
    expect(other.get_by_role("alert")).to_contain_text("Someone else has just chosen this person")
    expect(other.get_by_role("button", name="Ada")).to_have_count(0)
    other.get_by_role("button", name="Ben").click()
    expect(Console(other).status).to_have_text("pending")
    host.page.get_by_role("button", name="Close", exact=True).click()
    host.start()
    Console(phone).primary.click()
    expect(host.active).to_have_text("Ben")
    problems.expect(CONFLICT)


def test_a_new_person_joins_where_the_session_takes_new_people(host: Console, phone: Page) -> None:
    host.page.goto("/")
    host.create("global")
    code = open_code(host, "take part, also as new people")
    enter(phone, code)
    phone.get_by_label("Someone else").fill("Zoe")
    phone.locator("form").get_by_role("button", name="Join").click()
    expect(Console(phone).status).to_have_text("pending")
    host.page.get_by_role("button", name="Close", exact=True).click()
    expect(host.page.locator("main")).to_contain_text("Zoe")


@pytest.mark.parametrize("preset", ["Team quiz", "Exam, one clock"])
def test_a_session_is_created_without_people_who_join_later(
    host: Console, phone: Page, preset: str
) -> None:
    page = host.page
    page.goto("/")
    page.locator("input[value=global]").check(force=True)
    page.get_by_role("button", name=preset).click()
    people = page.get_by_role("group", name="Participants")
    clear = people.get_by_role("button", name="Remove all")
    if preset == "Team quiz":
        clear.focus()
        page.keyboard.press("Enter")
        expect(people.get_by_role("button", name="Add a person")).to_be_focused()
    expect(clear).to_be_hidden()
    expect(people).to_contain_text("Nobody yet: people join later with a code.")
    assert violations(page) == []
    host.submit.click()
    expect(page.get_by_text("Nobody has joined yet.")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Open a join code").click()
    dialog = page.get_by_role("dialog", name="Join with a code")
    expect(dialog.get_by_label("People can")).to_have_value("newcomers")
    dialog.get_by_role("button", name="Open a code").click()
    enter(phone, letters_in(dialog))
    phone.get_by_label("Your name").fill("Zoe")
    phone.locator("form").get_by_role("button", name="Join").click()
    expect(Console(phone).status).to_have_text("pending")
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_text("Nobody has joined yet.")).to_be_hidden()
    expect(host.clock("Zoe")).to_be_visible()


def test_a_quiz_for_all_is_followed_on_their_own_screens(host: Console, phone: Page) -> None:
    page = host.page
    page.goto("/")
    page.locator("input[value=global]").check(force=True)
    page.get_by_role("button", name="Quiz", exact=True).click()
    host.submit.click()
    expect(page.get_by_text("People can follow on their own screens.")).to_be_visible()
    page.get_by_role("button", name="Open a join code").click()
    dialog = page.get_by_role("dialog", name="Join with a code")
    expect(dialog.get_by_label("People can")).to_have_value("spectator")
    dialog.get_by_role("button", name="Open a code").click()
    enter(phone, letters_in(dialog))
    expect(Console(phone).clock("Question 1 of 10")).to_be_visible()
    expect(phone.get_by_role("button", name="Open a join code")).to_be_hidden()


def test_a_closed_code_is_told_plainly_and_too_many_wrong_ones_too(
    host: Console, phone: Page, problems: Problems
) -> None:
    code = open_code(host, "watch")
    dialog = host.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Close the code").click()
    expect(dialog.get_by_role("button", name="Open a code")).to_be_visible()
    enter(phone, code)
    alert = phone.locator(".form-error")
    expect(alert).to_have_text(
        "No session has this code now. Check the letters, or ask the host for a new code."
    )
    for _ in range(10):
        phone.get_by_label("Code").fill(WRONG)
        expect(alert).to_have_text("")
        phone.get_by_role("button", name="Join").click()
        expect(alert).not_to_have_text("")
    expect(alert).to_contain_text("Too many wrong codes were entered in this network")
    problems.expect(NOT_FOUND)
    problems.expect(TOO_MANY)

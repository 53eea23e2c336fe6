"""axe-core finds no fault in any page of the console, in its main states and dialogs."""

from typing import Any

import pytest
from playwright.sync_api import expect

from infra.local.instance import Instance
from tests.e2e.axe import violations
from tests.e2e.conftest import Opener
from tests.e2e.problems import Problems
from tests.e2e.stories import SHAPES, ApiSession, create_session

_PEOPLE = [{"participant_id": f"p{n}", "name": f"Person {n}"} for n in range(4)]
_ITEMS = [
    {"item_id": name, "title": name.capitalize(), "duration_ms": 60_000, "on_end": "wait"}
    for name in ("welcome", "numbers")
]
_GAME: dict[str, Any] = {"action_on_timeout": {"type": "end_session", "winner_by": "time"}}

PURPOSES: dict[str, dict[str, Any]] = {
    "auction": {
        "sync_mode": "global",
        "total_time_ms": 60_000,
        "participants": _PEOPLE,
        "extend_on_switch": {"window_ms": 90_000, "to_ms": 90_000, "at_most": 5},
    },
    "exam": {"sync_mode": "individual", "total_time_ms": 600_000, "participants": _PEOPLE},
    "meeting": {"sync_mode": "global", "items": _ITEMS, "overtime": True},
    "quiz": {"sync_mode": "global", "items": _ITEMS[:1], "repeat": 3},
    "quiz_answers": {
        "sync_mode": "individual",
        "total_time_ms": 60_000,
        "rounds": True,
        "participants": _PEOPLE,
    },
    "race": {"sync_mode": "individual", "rounds": True, "participants": _PEOPLE},
}
"""Create bodies by `metadata.purpose`."""

DIALOGS = (
    "Undo the last",
    "Change a clock",
    "Rename a person",
    "Add a person",
    "Retire a person",
    "Remove a person",
    "Let a person forfeit",
    "Complete the session",
    "Cancel the session",
    "Delete the session",
)


def with_purpose(url: str, purpose: str) -> ApiSession:
    """Create a pending session with that purpose."""
    return ApiSession(url, PURPOSES[purpose] | {"metadata": {"purpose": purpose, "title": "X"}})


@pytest.mark.parametrize("mode", sorted({shape.split()[0] for shape in SHAPES} | {"individual"}))
def test_the_form_of_a_mode(open_page: Opener, mode: str) -> None:
    console = open_page()
    console.page.locator(f"input[value={mode}]").check(force=True)
    chips = console.page.locator(".chips .chip")
    for position in range(chips.count()):
        chips.nth(position).click()
        if console.page.get_by_role("dialog").count():
            break  # the last one opens a dialog
        assert violations(console.page) == []


def test_the_form_with_errors(open_page: Opener) -> None:
    console = open_page()
    console.field("Time on each clock").fill("soon")
    console.submit.click()
    expect(console.page.locator("[aria-invalid]")).to_have_count(1)
    assert violations(console.page) == []


@pytest.mark.parametrize("shape", SHAPES)
def test_a_session_in_every_status(open_page: Opener, service: Instance, shape: str) -> None:
    session = create_session(service.url, shape)
    console = open_page(session.path)
    for verb, status in (
        ("", "pending"),
        ("start", "running"),
        ("pause", "paused"),
        ("complete", "completed"),
    ):
        if verb:
            session.do(verb)
        expect(console.status).to_have_text(status)
        assert violations(console.page) == []


def test_a_game_that_is_lost_on_time(open_page: Opener, service: Instance) -> None:
    session = create_session(service.url, warn_at_ms=[300_000], **_GAME)
    session.do("start")
    session.adjust(0, 200_000, "correction")
    console = open_page(session.path)
    expect(console.clock("Ada")).to_have_attribute("data-low", "")
    assert violations(console.page) == []
    session.adjust(0, 1_000, "correction")
    expect(console.status).to_have_text("expired")
    assert violations(console.page) == []


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("view", ["", "&view=display"], ids=["page", "display"])
def test_the_page_of_a_purpose(
    open_page: Opener, service: Instance, purpose: str, view: str
) -> None:
    session = with_purpose(service.url, purpose)
    console = open_page(session.path + view)
    body = console.page.locator("body")
    for verb, status in (("", "pending"), ("start", "running"), ("complete", "completed")):
        if verb:
            session.do(verb)
        expect(body).to_have_attribute("data-status", status)
        assert violations(console.page) == []


def test_the_display_of_a_session_without_a_purpose(open_page: Opener, service: Instance) -> None:
    console = open_page(
        create_session(service.url, metadata={"title": "Final"}).path + "&view=display"
    )
    expect(console.page.get_by_role("heading", name="Final")).to_be_visible()
    assert violations(console.page) == []


def test_the_dialogs_of_a_session(open_page: Opener, service: Instance) -> None:
    session = create_session(service.url, **_GAME)
    session.do("start", "switch")
    console = open_page(session.path)
    dialog = console.page.get_by_role("dialog")
    console.page.get_by_role("button", name="More").click()
    assert violations(console.page) == []
    for name in DIALOGS:
        if name != DIALOGS[0]:
            console.page.get_by_role("button", name="More").click()
        console.page.get_by_role("button", name=name).click()
        expect(dialog).to_be_visible()
        assert violations(console.page) == [], name
        dialog.get_by_role("button", name="Not now").click()
    for name in ("Share", "Alerts"):
        console.page.get_by_role("button", name=name, exact=True).click()
        expect(dialog).to_be_visible()
        assert violations(console.page) == [], name
        dialog.get_by_role("button", name="Close").click()


def test_the_dialogs_of_the_form(open_page: Opener) -> None:
    console = open_page()
    for name in ("Paste a list", "More time controls"):
        console.page.get_by_role("button", name=name).click()
        expect(console.page.get_by_role("dialog")).to_be_visible()
        assert violations(console.page) == [], name
        console.page.keyboard.press("Escape")


@pytest.mark.parametrize(
    "address", ["/?session=x", "/?session=00000000-0000-4000-8000-000000000000"]
)
def test_the_pages_without_a_session(open_page: Opener, problems: Problems, address: str) -> None:
    console = open_page(address)
    expect(console.page.get_by_role("heading", level=1)).to_be_visible()
    expect(console.page.get_by_text("One moment")).to_have_count(0)
    assert violations(console.page) == []
    problems.ignore("404 (Not Found)")


def test_a_board_and_its_form(open_page: Opener, service: Instance) -> None:
    sessions = [create_session(service.url, **_GAME) for _ in range(3)]
    for session in sessions:
        session.do("start")
    sessions[1].do("pause")
    sessions[2].adjust(0, 1_000, "correction")
    console = open_page("/board?" + "&".join(f"session={one.id}" for one in sessions))
    expect(console.page.locator(".tile[data-status=expired]")).to_have_count(1)
    expect(console.page.locator(".tile[data-status=paused]")).to_have_count(1)
    expect(console.page.locator(".tile[data-status=running]")).to_have_count(1)
    assert violations(console.page) == []
    console.page.get_by_role("link", name="Change").click()
    expect(console.page.get_by_text("Your newest sessions")).to_be_visible()
    assert violations(console.page) == []


@pytest.mark.parametrize("theme", ["light", "dark", "transparent"])
def test_the_clocks_for_a_frame(open_page: Opener, service: Instance, theme: str) -> None:
    session = create_session(service.url)
    console = open_page(f"/embed?session={session.id}&theme={theme}")
    for verb, status in (("start", "running"), ("pause", "paused"), ("complete", "completed")):
        session.do(verb)
        expect(console.page.locator(".tile")).to_have_attribute("data-status", status)
        assert violations(console.page) == []

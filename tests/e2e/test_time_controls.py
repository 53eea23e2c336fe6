"""Named time controls in the form, and the sentences that explain a time control."""

from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.console import Console
from tests.e2e.problems import Problems
from tests.e2e.stories import create_session

GAMES = ["Chess", "Go", "Shogi", "Scrabble", "Poker", "Card games"]

SENTENCES: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({}, "Nothing is added to the clocks."),
    "increment": ({"increment_ms": 2000}, "Each turn adds 2 s."),
    "from the start": (
        {"increment_ms": 90_000, "first_turn": True},
        "Each turn adds 1:30. The start adds 1:30, too.",
    ),
    "delay": ({"delay_ms": 5000}, "The clock waits 5 s at the start of each turn."),
    "bronstein": (
        {"give_back_ms": 60_000},
        "Each turn gives back the time that it took, but at most 60 s.",
    ),
    "stages": (
        {"stages": [{"after_turns": 40, "add_ms": 1_800_000, "increment_ms": 30_000}]},
        "After turn 40, a clock gets 30 minutes more, and each turn adds 30 s.",
    ),
    "largest bank": (
        {"increment_ms": 86_400_000, "max_bank_ms": 604_800_000},
        "Each turn adds 1 day. A clock never has more than 7 days.",
    ),
    "one period": (
        {"overtime": {"period_ms": 30_000, "periods": 1}},
        "When this time is used up, each turn has 30 s.",
    ),
    "periods": (
        {"overtime": {"period_ms": 30_000, "periods": 5}},
        "When this time is used up, a clock has 5 periods of 30 s. "
        "A turn that ends within a period costs no period.",
    ),
    "block": (
        {"overtime": {"period_ms": 600_000, "turns": 25}},
        "When this time is used up, a clock has 10 minutes for 25 turns, again and again.",
    ),
    "extra bank": (
        {"overtime": {"extra_ms": 3_600_000}},
        "When this time is used up, a clock has 1 hour more, shown below zero.",
    ),
    "hourglass": ({"hourglass": True}, "The time that one side uses goes to the other side."),
    "first turn": (
        {"start_on": "first_turn", "first_turn_within_ms": 30_000},
        "The clocks stand still until the first switch. "
        "The session is cancelled if there is none in 30 s.",
    ),
}


def choose(console: Console, search: str) -> Locator:
    """Choose the first time control that has the words of `search`; return its card."""
    console.page.get_by_role("button", name="More time controls").click()
    dialog = console.page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", level=3)).to_have_text(GAMES)
    dialog.get_by_label("Search").fill(search)
    dialog.get_by_label("Search").press("Enter")
    expect(dialog).to_be_hidden()
    return console.page.get_by_role("region", name="Time control")


def state_of(service: Instance, console: Console) -> Any:
    """Return the state of the session that the page shows."""
    return httpx.get(f"{service.url}/v1/sessions/{console.session_id}").json()["data"]


def test_a_named_time_control_fills_in_the_bank_and_is_sent(
    open_page: Opener, service: Instance
) -> None:
    console = open_page()
    card = choose(console, "go 5 periods")
    expect(card).to_contain_text("Byo-yomi, 10 minutes and 5 periods of 30 s")
    expect(card).to_contain_text("a clock has 5 periods of 30 s")
    expect(console.field("Time on each clock")).to_have_value("10:00")
    expect(console.field("Name of the session")).to_have_value("Byo-yomi")
    expect(console.field("Added per turn")).to_be_hidden()
    console.submit.click()
    expect(console.time_of("Ada")).to_have_text("10:00")
    overtime = {"period_ms": 30_000, "periods": 5}
    assert state_of(service, console)["time_control"] == {"overtime": overtime}
    expect(console.page.locator(".control-lines")).to_contain_text("5 periods of 30 s")


def test_teams_can_have_a_time_control_without_a_bank(open_page: Opener, service: Instance) -> None:
    console = open_page()
    console.page.locator("input[value=per_group]").check(force=True)
    card = choose(console, "correspondence chess 3 days")
    expect(card).to_contain_text("Each turn has 3 days.")
    expect(console.field("Time per team")).to_have_value("0:00")
    console.submit.click()
    expect(console.time_of("Red")).to_have_text("72:00:00")


def test_the_list_can_be_searched(open_page: Opener) -> None:
    console = open_page()
    console.page.get_by_role("button", name="More time controls").click()
    dialog = console.page.get_by_role("dialog")
    rows = dialog.locator(".control-row:visible")
    expect(rows).to_have_count(21)
    dialog.get_by_label("Search").fill("shogi 60")
    expect(rows).to_have_text(["Shogi, 1 hour and 60 s a move"])
    expect(dialog.get_by_role("heading", level=3)).to_have_text(["Shogi"])
    dialog.get_by_label("Search").fill("sundial")
    expect(dialog).to_contain_text("Try other words")
    dialog.get_by_label("Search").fill("hourglass")
    rows.click()
    expect(console.field("Time on each clock")).to_have_value("1:00")


def test_a_preset_or_the_remove_button_ends_the_choice(
    open_page: Opener, service: Instance
) -> None:
    console = open_page()
    card = choose(console, "delay")
    pressed = console.page.locator(".chip[aria-pressed=true]")
    expect(pressed).to_have_text("More time controls …")
    console.page.get_by_role("button", name="Rapid 10+5").click()
    expect(card).to_be_hidden()
    expect(pressed).to_have_text("Rapid 10+5")
    expect(console.field("Added per turn")).to_have_value("5")
    choose(console, "delay").get_by_role("button", name="Remove").click()
    expect(console.field("Added per turn")).to_be_focused()
    console.submit.click()
    expect(console.status).to_have_text("pending")
    state = state_of(service, console)
    assert "time_control" not in state
    assert state["increment_ms"] == 5_000


def test_modes_without_banks_have_no_time_controls(open_page: Opener) -> None:
    console = open_page()
    opener = console.page.get_by_role("button", name="More time controls")
    for mode, is_there in {"per_group": True, "per_cycle": False, "global": False}.items():
        console.page.locator(f"input[value={mode}]").check(force=True)
        expect(opener).to_be_visible(visible=is_there)


def test_a_refused_time_control_shows_why(open_page: Opener, problems: Problems) -> None:
    console = open_page()
    console.page.get_by_role("button", name="Board game night", exact=True).click()
    card = choose(console, "hourglass")
    console.submit.click()
    expect(card.get_by_role("alert")).to_contain_text("two")
    problems.expect("400 (Bad Request)")


@pytest.mark.parametrize("control", SENTENCES)
def test_the_session_page_explains_its_time_control(
    open_page: Opener, service: Instance, control: str
) -> None:
    fields, sentences = SENTENCES[control]
    session = create_session(service.url, time_control=fields)
    console = open_page(session.path)
    expect(console.page.locator(".control-lines p")).to_have_text([sentences])


def test_time_odds_are_listed_by_name(open_page: Opener, service: Instance) -> None:
    people = [
        {"participant_id": "a", "name": "Ada", "total_time_ms": 60_000},
        {
            "participant_id": "b",
            "name": "Ben",
            "total_time_ms": 60_000,
            "time_control": {"delay_ms": 5000},
        },
    ]
    session = create_session(service.url, participants=people, time_control={"increment_ms": 1000})
    console = open_page(session.path)
    expect(console.page.locator(".control-lines p")).to_have_text(
        ["Each turn adds 1 s.", "Ben: The clock waits 5 s at the start of each turn."]
    )

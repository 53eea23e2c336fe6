"""Changing clocks by any amount, and changing the people of a session."""

import re

import pytest
from playwright.sync_api import Locator, expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.console import Console
from tests.e2e.problems import Problems
from tests.e2e.stories import create_session

BAD_REQUEST = "400 (Bad Request)"
BANK_MS = 600_000
S = "\N{RIGHT SINGLE QUOTATION MARK}s"


def open_dialog(console: Console, entry: str) -> Locator:
    """Open a dialog from the menu."""
    console.page.get_by_role("button", name="More").click()
    console.page.get_by_role("button", name=entry).click()
    return console.page.get_by_role("dialog")


def change(console: Console, clock: str, how: str, amount: str, reason: str = "") -> Locator:
    """Change a clock in the dialog; return the dialog, which stays open on an error."""
    dialog = open_dialog(console, "Change a clock")
    dialog.get_by_label("Clock").select_option(label=clock)
    dialog.get_by_label("Change", exact=True).select_option(label=how)
    dialog.get_by_label("Time").fill(amount)
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_role("button", name="Change", exact=True).click()
    return dialog


@pytest.mark.parametrize(
    ("how", "amount", "left_ms"),
    [
        ("Add time", "45", BANK_MS + 45_000),
        ("Add time", "45s", BANK_MS + 45_000),
        ("Add time", "+2 min", BANK_MS + 120_000),
        ("Add time", "-1:30", BANK_MS - 90_000),
        ("Add time", "1h 30m", BANK_MS + 5_400_000),
        ("Take time away", "2m", BANK_MS - 120_000),
        ("Set the time to", "1:30", 90_000),
    ],
)
def test_a_persons_clock_is_changed_by_an_amount(
    open_page: Opener, service: Instance, how: str, amount: str, left_ms: int
) -> None:
    console = open_page(create_session(service.url).path)
    dialog = change(console, "Ben", how, amount)
    expect(dialog).to_be_hidden()
    console.expect_remaining("Ben", left_ms)
    console.expect_remaining("Ada", BANK_MS)


def test_space_after_a_click_on_a_button_is_the_next_step(
    open_page: Opener, service: Instance
) -> None:
    session = create_session(service.url)
    session.do("start")
    console = open_page(session.path)
    expect(console.active).to_have_text("Ada")
    console.clock("Ben").get_by_role("button", name="Add 15 seconds").click()
    console.expect_remaining("Ben", BANK_MS + 15_000)
    console.page.keyboard.press("Space")
    expect(console.active).to_have_text("Ben")
    assert session.state["participants"][1]["time_remaining_ms"] <= BANK_MS + 15_000
    add = console.clock("Ada").get_by_role("button", name="Add 15 seconds")
    add.focus()
    console.page.keyboard.press("Space")
    expect(console.active).to_have_text("Ben")
    expect(add).to_be_focused()


@pytest.mark.parametrize(
    ("result", "by", "outcome"),
    [
        ("Ben wins", "resignation", "Ben wins by resignation. Completed at"),
        ("Draw", "", "Draw. Completed at"),
        ("No result", None, "Completed at"),
    ],
)
def test_a_game_is_completed_with_its_result(
    open_page: Opener, service: Instance, result: str, by: str | None, outcome: str
) -> None:
    session = create_session(service.url, metadata={"club": "North"})
    session.do("start")
    console = open_page(session.path)
    dialog = open_dialog(console, "Complete the session")
    dialog.get_by_label("Result").select_option(result)
    if by is not None:
        dialog.get_by_label("By", exact=True).fill(by)
    dialog.get_by_role("button", name="Complete").click()
    expect(console.status).to_have_text("completed")
    expect(console.page.locator(".outcome")).to_have_text(re.compile(f"^{outcome}"))
    wins = console.page.locator(".face[data-winner] .face-note")
    expect(wins).to_have_count(1 if result == "Ben wins" else 0)
    assert session.state["metadata"]["club"] == "North"


def test_a_rematch_has_the_same_times_and_the_other_side_begins(
    open_page: Opener, service: Instance
) -> None:
    session = create_session(
        service.url, metadata={"title": "Final"}, increment_ms=2_000, warn_at_ms=[20_000]
    )
    session.do("start", "switch", "complete")
    console = open_page(session.path)
    console.page.get_by_role("button", name="Rematch").click()
    expect(console.status).to_have_text("pending")
    expect(console.active).to_have_text("Ben")
    for name in ("Ada", "Ben"):
        console.expect_remaining(name, BANK_MS)
    assert console.session_id != session.id
    console.page.go_back()
    expect(console.status).to_have_text("completed")


def test_everybody_gets_time_and_the_history_says_why(open_page: Opener, service: Instance) -> None:
    console = open_page(create_session(service.url, "per_participant").path)
    change(console, "Everybody", "Add time", "5:00", "fire alarm")
    for name in ("Ada", "Ben"):
        console.expect_remaining(name, BANK_MS + 300_000)
    expect(console.events.first).to_have_text("5:00 added to all clocks (fire alarm)")
    change(console, "Ada", "Take time away", "30")
    expect(console.events.first).to_contain_text("0:30 taken from Ada")
    change(console, "Everybody", "Set the time to", "1:00")
    expect(console.events.first).to_have_text("All clocks set to 1:00")


@pytest.mark.parametrize(
    ("shape", "clocks", "face"),
    [
        ("per_group", ["Everybody", "Team 1", "Team 2"], "Team 2"),
        ("per_cycle", ["Everybody", "Ada", "Ben", "Cleo"], "Cleo"),
        ("global", ["The total time", "This round"], "Ada"),
        ("global empty", ["The total time"], "Everyone"),
    ],
)
def test_each_mode_offers_its_clocks(
    open_page: Opener, service: Instance, shape: str, clocks: list[str], face: str
) -> None:
    session = create_session(service.url, shape)
    console = open_page(session.path)
    console.start()
    console.page.keyboard.press("p")
    expect(console.status).to_have_text("paused")
    before = console.remaining(face)
    dialog = open_dialog(console, "Change a clock")
    expect(dialog.get_by_label("Clock").locator("option")).to_have_text(clocks)
    dialog.get_by_role("button", name="Not now").click()
    change(console, clocks[-1], "Add time", "10s")
    console.expect_remaining(face, int(before) + 10_000)


def test_a_session_that_only_counts_up_has_no_clock_to_change(
    open_page: Opener, service: Instance
) -> None:
    console = open_page(create_session(service.url, "count_up").path)
    console.page.get_by_role("button", name="More").click()
    expect(console.page.get_by_role("button", name="Add a person")).to_be_visible()
    expect(console.page.get_by_role("button", name="Change a clock")).to_be_hidden()


@pytest.mark.parametrize(
    ("how", "amount", "words"),
    [
        ("Add time", "", "Enter a time, such as 45s, 2m or 1:30"),
        ("Add time", "a lot", "Enter a time, such as 45s, 2m or 1:30"),
        ("Take time away", "-30", "Enter the time without a sign"),
    ],
)
def test_a_wrong_amount_is_explained(
    open_page: Opener, service: Instance, how: str, amount: str, words: str
) -> None:
    console = open_page(create_session(service.url).path)
    dialog = change(console, "Ada", how, amount)
    expect(dialog.get_by_label("Time")).to_be_focused()
    expect(dialog.locator(".field-error:visible")).to_have_text(words)


def test_a_refused_amount_says_what_to_do(
    open_page: Opener, service: Instance, problems: Problems
) -> None:
    console = open_page(create_session(service.url).path)
    dialog = change(console, "Everybody", "Take time away", "10:00")
    expect(dialog.get_by_role("alert")).to_have_text(
        "This is more time than a clock has. Take less time away."
    )
    dialog.get_by_label("Change", exact=True).select_option(label="Set the time to")
    dialog.get_by_label("Time").fill("25:00:00")
    dialog.get_by_role("button", name="Change", exact=True).click()
    expect(dialog.get_by_role("alert")).to_have_text("Cannot exceed 24:00:00.")
    problems.expect(BAD_REQUEST)


def test_an_expired_session_goes_on_with_new_time(open_page: Opener, service: Instance) -> None:
    people = [{"participant_id": one, "name": one, "total_time_ms": 1000} for one in ("Ada", "Ben")]
    session = create_session(
        service.url, participants=people, action_on_timeout={"type": "end_session"}
    )
    session.do("start")
    console = open_page(session.path)
    expect(console.status).to_have_text("expired")
    change(console, "Everybody", "Add time", "1:00")
    expect(console.status).to_have_text("running")
    console.wait_until_running("Ada")
    expect(console.events.first).to_have_text("1:00 added to all clocks: the session goes on")
    console.primary.click()
    console.page.keyboard.press("p")
    expect(console.events.first).to_have_text("Paused")
    used = [one["time_used_ms"] for one in session.state["participants"]]
    assert [bar.length for bar in console.bars] == used


@pytest.mark.parametrize("shape", ["per_participant", "per_group", "global"])
def test_a_new_name_is_shown_everywhere(open_page: Opener, service: Instance, shape: str) -> None:
    console = open_page(create_session(service.url, shape).path)
    dialog = open_dialog(console, "Rename a person")
    dialog.get_by_label("Person").select_option(label="Ben")
    name = dialog.get_by_label("New name")
    expect(name).to_have_value("Ben")
    name.fill(" ")
    dialog.get_by_role("button", name="Rename").click()
    expect(name).to_have_accessible_description("Enter a name")
    name.fill("Benjamin")
    name.press("Enter")
    expect(dialog).to_be_hidden()
    place = {"per_group": ".member", "global": ".participant-list"}.get(shape, ".face-name")
    expect(console.page.locator(place).filter(has_text="Benjamin")).to_have_count(1)
    expect(console.events.first).to_contain_text("new name Benjamin")


def test_earlier_events_show_the_new_name_and_keep_the_name_of_who_left(
    open_page: Opener, service: Instance
) -> None:
    session = create_session(service.url)
    session.do("start", "switch", "switch")
    console = open_page(session.path)
    started = f"Started: Ada{S} clock runs"
    expect(console.events).to_have_text(["Ben → Ada", "Ada → Ben", started, "Session created"])
    dialog = open_dialog(console, "Rename a person")
    dialog.get_by_label("Person").select_option(label="Ben")
    dialog.get_by_label("New name").fill("Benjamin")
    dialog.get_by_role("button", name="Rename").click()
    turns = ["Benjamin → Ada", "Ada → Benjamin", started, "Session created"]
    expect(console.events).to_have_text(["Benjamin: new name Benjamin", *turns])
    remove(console, "Benjamin")
    expect(console.events).to_have_text(["Benjamin left", "Benjamin: new name Benjamin", *turns])


def test_earlier_events_keep_the_last_name_of_a_team_that_left(
    open_page: Opener, service: Instance
) -> None:
    session = create_session(service.url, "per_group")
    session.do("start")
    console = open_page(session.path)
    change(console, "Team 2", "Add time", "45")
    expect(console.events.first).to_contain_text(f"0:45 added to Team 2{S} clock")
    remove(console, "Ben")
    remove(console, "Dan")
    expect(console.events.first).to_have_text("Dan left")
    # Its last name was that of its last member.
    expect(console.events.nth(2)).to_contain_text(f"0:45 added to Dan{S} clock")
    console.page.reload()
    expect(console.events.nth(2)).to_contain_text(f"0:45 added to A former team{S} clock")


def remove(console: Console, name: str) -> None:
    """Remove a person; the dialog offers nobody until one is chosen."""
    dialog = open_dialog(console, "Remove a person")
    dialog.get_by_role("button", name="Remove").click()
    expect(dialog.get_by_label("Person")).to_have_accessible_description("Choose a person")
    dialog.get_by_label("Person").select_option(label=name)
    dialog.get_by_role("button", name=f"Remove: {name}").click()
    expect(dialog).to_be_hidden()


def test_who_starts_is_chosen_before_the_start(open_page: Opener, service: Instance) -> None:
    console = open_page(create_session(service.url).path)
    dialog = open_dialog(console, "Choose who starts")
    person = dialog.get_by_label("Person")
    expect(person.locator("option:checked")).to_have_text("Ada")
    person.select_option("Ben")
    dialog.get_by_role("button", name="Choose").click()
    expect(dialog).to_be_hidden()
    expect(console.active).to_have_text("Ben")
    console.page.locator("#primary").click()
    console.wait_until_running("Ben")
    console.page.get_by_role("button", name="More").click()
    expect(console.page.get_by_role("button", name="Choose who starts")).to_be_hidden()


def test_a_retired_person_gets_no_turn_until_they_return(
    open_page: Opener, service: Instance
) -> None:
    session = create_session(service.url, "per_group")
    session.do("start")
    console = open_page(session.path)
    ben = console.page.locator(".member", has_text="Ben")
    expect(ben).to_have_role("button")
    for verb, text in {"Retire": "Ben (retired)", "Let them return": "Ben"}.items():
        dialog = open_dialog(console, "Retire a person")
        dialog.get_by_label("Person").select_option(index=1)
        dialog.get_by_role("button", name=verb, exact=True).click()
        expect(ben).to_have_text(text)
        expect(console.page.get_by_role("button", name="Ben", exact=True)).to_be_visible(
            visible=verb != "Retire"
        )
    expect(console.events.first).to_have_text("Ben: takes turns again")
    console.page.keyboard.press("2")
    expect(console.active).to_have_text("Team 2")


def test_who_cannot_be_removed_is_not_offered(open_page: Opener, service: Instance) -> None:
    session = create_session(service.url, "per_cycle")
    session.do("start")
    console = open_page(session.path)
    remove(console, "Cleo")
    expect(console.clocks).to_have_count(2)
    dialog = open_dialog(console, "Remove a person")
    expect(dialog.get_by_label("Person").locator("option")).to_have_text(["Choose …", "Ben"])
    hourglass = create_session(service.url, time_control={"hourglass": True})
    console = open_page(hourglass.path)
    console.page.get_by_role("button", name="More").click()
    for entry, is_there in {"Retire": True, "Remove": False, "Add": False, "Let": False}.items():
        button = console.page.get_by_role("button", name=f"{entry} a person")
        expect(button).to_be_visible(visible=is_there)


def test_a_forfeit_ends_the_game(open_page: Opener, service: Instance) -> None:
    session = create_session(
        service.url, action_on_timeout={"type": "end_session", "winner_by": "time"}
    )
    session.do("start")
    console = open_page(session.path)
    dialog = open_dialog(console, "Let a person forfeit")
    dialog.get_by_label("Person").select_option(label="Ben")
    dialog.get_by_label("Reason").fill("did not come")
    dialog.get_by_role("button", name="Forfeit: Ben").click()
    expect(console.status).to_have_text("expired")
    expect(console.clock("Ada").locator(".face-note")).to_have_text("Wins on time")
    expect(console.events.first).to_have_text("Ben forfeited (did not come): the session is over")
    console.page.get_by_role("button", name="More").click()
    expect(console.page.get_by_role("button", name="Let a person")).to_be_hidden()

"""Each mode of the form creates a session that runs by that mode's rules."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Opener

INITIAL_CLOCKS = {
    "per_participant": {"Ada": "3:00|2:5.", "Ben": "3:00"},
    "per_cycle": {"Ada": "0:30|0:2.", "Ben": "0:30", "Cleo": "0:30", "Dan": "0:30"},
    "per_group": {"Red": "5:00|4:5.", "Blue": "5:00"},
    "global": {"Team Ada": "0:30|0:2.", "Total": "10:00|9:5."},
    "count_up": {"Lap 1": r"0:0.\.[1-9]"},
}


@pytest.mark.parametrize("mode", INITIAL_CLOCKS)
def test_every_mode_starts_with_its_preset_times(open_page: Opener, mode: str) -> None:
    console = open_page()
    console.create(mode)
    console.start()
    for name, shown in INITIAL_CLOCKS[mode].items():
        expect(console.time_of(name)).to_have_text(re.compile(f"^({shown})$"))
        if "|" in shown:
            console.wait_until_running(name)
    expect(console.clocks).to_have_count(len(INITIAL_CLOCKS[mode]))


def test_each_turn_starts_with_the_full_cycle_time(open_page: Opener) -> None:
    console = open_page()
    console.create("per_cycle")
    console.start()
    console.wait_until_running("Ada")
    console.primary.click()
    expect(console.active).to_have_text("Ben")
    expect(console.time_of("Ada")).to_have_text("0:30")


def test_teams_and_their_members_take_turns(open_page: Opener) -> None:
    console = open_page()
    console.create("per_group")
    console.start()
    playing = console.page.locator(".member[aria-pressed=true]")
    for name in ("Ada", "Ben", "Cleo", "Dan", "Ada"):
        expect(playing).to_have_text(name)
        console.primary.click()


def test_the_total_clock_runs_on_through_cycles(open_page: Opener) -> None:
    console = open_page()
    console.create("global")
    console.start()
    console.wait_until_running("Team Ada")
    console.primary.click()
    expect(console.clock("Team Ben")).to_contain_text("Round 2")
    cycle, whole = console.remaining("Team Ben"), console.remaining("Total")
    assert whole - 570_000 < cycle - 100
    turn = console.page.locator(".participant-list [aria-pressed=true]")
    expect(turn).to_contain_text("Team Ben")


def test_an_exam_needs_no_participants(open_page: Opener) -> None:
    console = open_page()
    console.page.locator("input[value=global]").check(force=True)
    console.page.get_by_role("button", name="Exam").click()
    console.submit.click()
    expect(console.time_of("Everyone")).to_have_text("1:00:00")
    console.start()
    console.wait_until_running("Everyone")


def test_laps_are_listed_and_add_up(open_page: Opener) -> None:
    console = open_page()
    console.create("count_up")
    console.start()
    for lap in (2, 3):
        console.wait_until_running(f"Lap {lap - 1}")
        console.primary.click()
        expect(console.clock(f"Lap {lap}")).to_be_visible()
    laps = console.page.locator(".laps li")
    expect(laps).to_have_count(2)
    first, second = (seconds(laps.nth(n).locator(".lap-time").inner_text()) for n in (1, 0))
    total = seconds(laps.nth(0).locator(".lap-total").inner_text())
    assert first > 0
    assert second > 0
    assert first + second == pytest.approx(total, abs=0.011)
    console.page.reload()
    expect(laps).to_have_count(2)


def test_a_participant_may_join_later(open_page: Opener) -> None:
    console = open_page()
    console.create()
    console.page.get_by_role("button", name="More").click()
    console.page.get_by_role("button", name="Add a person").click()
    dialog = console.page.get_by_role("dialog")
    dialog.get_by_label("Time").fill("1:00")
    dialog.get_by_role("button", name="Add").click()
    expect(console.time_of("Person 3")).to_have_text("1:00")


@pytest.mark.parametrize(
    ("entry", "verb", "outcome"),
    [("Complete", "Complete", "Completed at"), ("Cancel", "Cancel session", "Cancelled at")],
)
def test_ending_a_session_needs_confirmation(
    open_page: Opener, entry: str, verb: str, outcome: str
) -> None:
    console = open_page()
    console.create()
    console.start()
    menu = console.page.get_by_role("button", name="More")
    dialog = console.page.get_by_role("dialog")
    menu.click()
    console.page.get_by_role("button", name=f"{entry} the session").click()
    dialog.get_by_role("button", name="Not now").click()
    expect(console.status).to_have_text("running")
    menu.click()
    console.page.get_by_role("button", name=f"{entry} the session").click()
    dialog.get_by_role("button", name=verb).click()
    expect(console.page.locator(".outcome")).to_contain_text(outcome)


def seconds(shown: str) -> float:
    """Convert `1:02.34` to seconds."""
    minutes, rest = shown.split(":")
    return int(minutes) * 60 + float(rest)

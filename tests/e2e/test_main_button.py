"""The main button and the Space key do what a host does next, in every mode and status."""

from typing import Any

import pytest
from playwright.sync_api import expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.console import Console
from tests.e2e.stories import ApiSession, create_session
from tests.e2e.test_axe import PURPOSES, with_purpose

MINUTE_MS = 60_000
_STEPS = [
    {"item_id": name, "title": name.capitalize(), "duration_ms": MINUTE_MS, "on_end": "wait"}
    for name in ("first", "last")
]
_ONE_CLOCK = "global empty"

RUNNING: dict[str, tuple[str, dict[str, Any], str]] = {
    "clocks of people": ("per_participant", {}, "Switch"),
    "turns": ("per_cycle", {}, "Switch"),
    "teams": ("per_group", {}, "Switch"),
    "one clock, people": ("global", {"time_per_cycle_ms": None}, "Next"),
    "one clock": (_ONE_CLOCK, {}, "Pause"),
    "one clock, rounds": (_ONE_CLOCK, {"time_per_cycle_ms": MINUTE_MS}, "Next"),
    "programme": (_ONE_CLOCK, {"total_time_ms": None, "items": _STEPS}, "Next"),
    "last step": (_ONE_CLOCK, {"total_time_ms": None, "items": _STEPS[:1]}, "End the session"),
    "bids": (_ONE_CLOCK, {"extend_on_switch": {"window_ms": 1_000, "to_ms": 1_000}}, "Next"),
    "laps": ("count_up empty", {}, "Lap"),
}
"""A shape of `create_session`, fields of the creation, and the main button while it runs."""


def main_is(console: Console, words: str, hint: str) -> None:
    """Expect that the main button has these words, and the Space key this hint."""
    expect(console.primary.locator("span")).to_have_text(words)
    expect(console.page.locator(".hints > :visible").first).to_have_text(f"Space{hint}")


@pytest.mark.parametrize("kind", RUNNING)
def test_the_main_button_is_the_next_step(open_page: Opener, service: Instance, kind: str) -> None:
    shape, more, running = RUNNING[kind]
    session = create_session(service.url, shape, **more)
    console = open_page(session.path)
    pause = console.page.locator("#pause")
    main_is(console, "Start", "start")
    console.page.keyboard.press("Space")
    main_is(console, running, "pause" if running == "Pause" else "next")
    expect(pause).to_be_visible(visible=running != "Pause")
    session.do("pause")
    main_is(console, "Resume", "resume")
    expect(pause).to_be_hidden()
    session.do("complete")
    expect(console.primary).to_be_hidden()
    expect(console.page.get_by_role("link", name="New session", exact=True)).to_be_visible()


def test_the_clock_of_an_exam_is_paused_and_never_switched(
    open_page: Opener, service: Instance
) -> None:
    console = open_page()
    console.page.locator("input[value=global]").check(force=True)
    console.page.get_by_role("button", name="Exam, one clock").click()
    console.submit.click()
    main_is(console, "Start", "start")
    for status in ("running", "paused", "running"):
        console.page.keyboard.press("Space")
        expect(console.status).to_have_text(status)
    expect(console.clocks.get_by_role("button")).to_have_count(0)
    expect(console.clock("Everyone")).not_to_contain_text("Round")
    expect(console.page.locator("#announcer")).not_to_contain_text("Round")
    console.page.get_by_role("button", name="More").click()
    expect(console.page.get_by_role("button", name="Undo the last")).to_be_hidden()


def test_rounds_that_an_application_counts_have_their_button(
    open_page: Opener, service: Instance
) -> None:
    session = create_session(service.url, _ONE_CLOCK)
    session.do("start", "switch")
    console = open_page(session.path)
    main_is(console, "Next", "next")
    console.primary.click()
    expect(console.clock("Everyone")).to_contain_text("Round 3")


def test_a_clock_below_zero_is_to_be_completed(open_page: Opener, service: Instance) -> None:
    session = create_session(service.url, _ONE_CLOCK, total_time_ms=1_000, overtime=True)
    console = open_page(session.path)
    console.start()
    main_is(console, "Complete …", "complete")
    expect(console.page.locator("#pause")).to_be_visible()
    console.page.keyboard.press("Space")
    dialog = console.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Complete").click()
    expect(console.status).to_have_text("completed")


def test_a_race_in_which_all_are_done_is_to_be_ended(open_page: Opener, service: Instance) -> None:
    session = with_purpose(service.url, "race")
    console = open_page(session.path)
    main_is(console, "Start the race", "start")
    console.start()
    expect(console.primary).to_be_hidden()
    finish(session)
    main_is(console, "End the race …", "complete")
    console.page.get_by_role("button", name="Undo the finish: Person 1").click()
    expect(console.primary).to_be_hidden()
    finish(session, "p1")
    console.primary.click()
    console.page.get_by_role("dialog").get_by_role("button", name="Complete").click()
    expect(console.status).to_have_text("completed")


@pytest.mark.parametrize("purpose", ["exam", "quiz_answers"])
def test_individual_clocks_are_started_and_resumed_for_all(
    open_page: Opener, service: Instance, purpose: str
) -> None:
    session = with_purpose(service.url, purpose)
    console = open_page(session.path)
    console.start()
    expect(console.primary).to_be_hidden()
    session.do("pause")
    main_is(console, "Resume all", "resume")
    console.page.keyboard.press("Space")
    expect(console.status).to_have_text("running")
    if purpose == "quiz_answers":
        finish(session)
        expect(console.page.locator(".big-detail")).to_have_text("4 of 4 answered")
        expect(console.primary).to_be_hidden()


def finish(session: ApiSession, *ids: str) -> None:
    """Let these participants finish, by default all."""
    everybody = [one["participant_id"] for one in PURPOSES["race"]["participants"]]
    session.do(*(f"participants/{one}/finish" for one in ids or everybody))

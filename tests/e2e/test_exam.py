"""An exam: candidates with their own time, the room's clock, and the warning before the end."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.console import Console
from tests.e2e.stories import ApiSession
from tests.support import tokens

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
WIDTHS = (320, 390, 1280, 1920)
PURPOSE = {"title": "Algebra", "purpose": "exam"}
WARNING = "Less than 5 minutes left"

_CHANGED = """async () => {
  const changed = new Set();
  const observer = new MutationObserver(changes => {
    for (const { target } of changes) changed.add(target.className);
  });
  observer.observe(document.querySelector(".runs"), {
    subtree: true, childList: true, characterData: true, attributes: true,
  });
  const drawn = document.querySelector(".run-time").textContent;
  while (document.querySelector(".run-time").textContent === drawn) {
    await new Promise(requestAnimationFrame);
  }
  await new Promise(requestAnimationFrame);
  return [...changed];
}"""
"""The classes of what changes in the list until a clock has moved by a second."""


def row(console: Console, name: str) -> Locator:
    """The row of the candidate called `name`."""
    named = console.page.locator(".run-name", has_text=re.compile(f"^{name}$"))
    return console.page.locator(".run").filter(has=named)


def section(console: Console, name: str) -> Locator:
    """The names in the section called `name`."""
    return console.page.get_by_role("list", name=name).locator(".run-name:visible")


def choose(console: Console, name: str, step: str) -> None:
    """Choose a step in the menu of the candidate called `name`."""
    console.page.get_by_role("button", name=f"More for {name}").click()
    console.page.locator(".run-menu").get_by_role("button", name=step).click()


def adjust(url: str, session_id: str, **change: Any) -> None:
    """Change the clocks of all candidates over the API."""
    httpx.post(f"{url}/v1/sessions/{session_id}/adjust", json=change).raise_for_status()


def exam(url: str, people: int, **more: Any) -> ApiSession:
    """Create a pending exam of an hour with so many candidates."""
    candidates = [{"participant_id": f"c{n}", "name": f"Candidate {n}"} for n in range(people)]
    body = {"sync_mode": "individual", "total_time_ms": HOUR_MS, "participants": candidates}
    return ApiSession(url, body | {"metadata": PURPOSE, "warn_at_ms": [5 * MINUTE_MS]} | more)


def test_an_exam_from_the_form_to_the_last_minutes(
    open_page: Opener, open_in_new_window: Opener, service: Instance
) -> None:
    host = open_page()
    host.page.locator("input[value=individual]").check(force=True)
    host.field("Extra time: participant Ben").fill("25%")
    host.submit.click()
    expect(host.status).to_have_text("pending")
    session_id = host.session_id
    ids = {
        one["name"]: one["participant_id"]
        for one in httpx.get(f"{service.url}/v1/sessions/{session_id}").json()["data"][
            "participants"
        ]
    }

    token = tokens.participant(session_id, ids["Ben"])
    ben = open_in_new_window(f"/?session={session_id}#token={token}")
    own = ben.page.locator(".big-clock:visible")
    expect(own).to_contain_text("Not started yet")
    expect(ben.page.locator(".run:visible")).to_have_count(0)

    host.start()
    expect(section(host, "Writing")).to_have_text(["Ada", "Ben", "Cleo", "Dan"])
    expect(row(host, "Ben")).to_contain_text("+25%")
    expect(own.get_by_role("timer")).to_have_text(re.compile(r"^1:1[45]:\d\d$"))

    choose(host, "Cleo", "Pause")
    expect(section(host, "Paused")).to_have_text(["Cleo"])
    host.page.get_by_role("button", name="Resume: Cleo").click()
    expect(section(host, "Writing")).to_have_count(4)

    host.page.get_by_role("button", name="Add a candidate").click()
    dialog = host.page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Eve")
    dialog.get_by_label("Extra time").fill("10")
    dialog.get_by_role("button", name="Add").click()
    expect(section(host, "Writing")).to_have_text(["Ada", "Ben", "Cleo", "Dan", "Eve"])
    expect(row(host, "Eve").locator(".run-time")).to_have_text(re.compile("^1:(10:00|09:)"))

    ben.primary.click()
    ben.page.get_by_role("dialog").get_by_role("button", name="Finish").click()
    expect(own).to_contain_text("Finished")
    expect(section(host, "Done")).to_have_text(["Ben"])
    host.page.get_by_role("button", name="Undo the finish: Ben").click()
    expect(ben.primary).to_have_text("Finish")

    adjust(service.url, session_id, set_ms=5 * MINUTE_MS + 1500)
    choose(host, "Dan", "More time")
    dialog.get_by_role("button", name="Give time").click()
    for page in (host, ben):
        expect(page.page.get_by_role("alert").filter(has_text=WARNING)).to_be_visible()
    expect(host.page.locator(".big-clock:visible")).to_have_attribute("data-tone", "low")
    expect(row(host, "Ada")).to_have_attribute("data-low", "")
    expect(row(host, "Dan")).not_to_have_attribute("data-low", "")


def test_candidates_are_pasted_with_their_extra_time(open_page: Opener, service: Instance) -> None:
    console = open_page()
    console.page.locator("input[value=individual]").check(force=True)
    for remove in console.page.get_by_role("button", name="Remove").all()[::-1]:
        remove.click()
    console.page.get_by_role("button", name="Paste a list").click()
    dialog = console.page.get_by_role("dialog")
    dialog.get_by_label("One name per line").fill("Ada Okri; soon\nBen Sand")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.locator(".field-error")).to_contain_text("Ada Okri: Enter minutes or a share")
    dialog.get_by_label("One name per line").fill("Ada Okri; 12.5%\nBen Sand; 10\nCleo Weber")
    dialog.get_by_role("button", name="Add").click()
    console.field("Time for each").fill("1:00:00")
    console.field("Their clocks begin").select_option("each")
    console.submit.click()
    expect(console.status).to_have_text("pending")
    created = httpx.get(f"{service.url}/v1/sessions/{console.session_id}").json()["data"]
    assert created["begins"] == "each"
    assert [(one["name"], one["total_time_ms"] / MINUTE_MS) for one in created["participants"]] == [
        ("Ada Okri", 67.5),
        ("Ben Sand", 70),
        ("Cleo Weber", 60),
    ]

    console.start()
    console.page.get_by_role("button", name="Begin: Ben Sand").click()
    expect(section(console, "Writing")).to_have_text(["Ben Sand"])
    console.page.get_by_role("button", name="Begin all 2").click()
    expect(section(console, "Writing")).to_have_count(3)


def test_the_display_of_an_exam_has_no_controls(open_page: Opener, service: Instance) -> None:
    session = exam(service.url, 3)
    session.do("start")
    console = open_page(f"{session.path}&view=display")
    clock = console.page.locator(".big-clock")
    expect(clock).to_contain_text("Time left")
    expect(console.page.locator("body > :not(.skip) :is(button, a, input):visible")).to_have_count(
        0
    )
    console.page.keyboard.press("p")
    adjust(service.url, session.id, set_ms=4 * MINUTE_MS)
    expect(clock.get_by_role("alert")).to_have_text(WARNING)
    adjust(service.url, session.id, set_ms=1000)
    expect(console.page.locator(".big-clock")).to_contain_text("Ended after")
    assert session.state["status"] == "expired"


def test_the_room_sees_the_time_that_all_were_given(open_page: Opener, service: Instance) -> None:
    session = exam(service.url, 3)
    session.do("start")
    console = open_page(session.path)
    timer = console.page.get_by_role("timer")
    expect(timer).to_have_text(re.compile("^(1:00:00|59:..)$"))
    adjust(service.url, session.id, add_ms=30 * MINUTE_MS, to={"participants": ["c1"]})
    expect(row(console, "Candidate 1").locator(".run-time")).to_have_text(re.compile("^1:[23]"))
    expect(console.page.locator(".big-clock")).to_contain_text("1 with more time")
    expect(timer).to_have_text(re.compile("^(1:00:00|59:..)$"))
    adjust(service.url, session.id, add_ms=5 * MINUTE_MS)
    expect(timer).to_have_text(re.compile("^1:0[45]:..$"))


def test_the_room_sees_the_closing_time_if_candidates_begin_on_their_own(
    open_page: Opener, open_in_new_window: Opener, service: Instance
) -> None:
    closes_at = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
    session = exam(service.url, 2, begins="each", closes_at=closes_at)
    session.do("start")
    console = open_page(f"{session.path}&view=display")
    expect(console.page.locator(".big-clock")).to_contain_text("Until the exam closes")
    expect(console.page.get_by_role("timer")).to_have_text(re.compile("^(3:00|2:59):..$"))
    own = open_in_new_window(f"{session.path}#token={tokens.participant(session.id, 'c1')}")
    expect(own.page.locator(".big-clock")).to_contain_text("Begin when you are ready")
    own.primary.click()
    expect(own.primary).to_have_text("Finish")
    assert [one["state"] for one in session.state["participants"]] == ["not_begun", "running"]


def test_two_hundred_candidates_are_found_and_drawn_one_by_one(
    open_page: Opener, service: Instance
) -> None:
    session = exam(service.url, 200)
    session.do("start")
    session.do("participants/c17/finish")
    console = open_page(session.path)
    expect(console.page.locator(".run")).to_have_count(200)
    for width in WIDTHS:
        console.page.set_viewport_size({"width": width, "height": 800})
        assert console.page.evaluate("document.documentElement.scrollWidth") <= width
    assert console.page.evaluate(_CHANGED) == ["run-time"]

    console.page.get_by_label("Search by name").press_sequentially("pDate 1")
    expect(console.page.locator(".run-nobody")).to_have_text("Nobody here matches.")
    assert session.state["status"] == "running", "a letter in the field paused the exam"
    console.page.get_by_label("Search by name").fill("date 17")
    expect(section(console, "Writing")).to_have_count(10)
    expect(section(console, "Done")).to_have_text(["Candidate 17"])
    console.page.get_by_role("group", name="Show only").get_by_role("button", name="Done").click()
    expect(console.page.locator(".run:visible")).to_have_count(1)


@pytest.mark.parametrize("begins", ["together", "each"])
def test_the_last_finish_is_confirmed_because_it_ends_the_exam(
    open_page: Opener, service: Instance, begins: str
) -> None:
    session = exam(service.url, 2, begins=begins)
    session.do("start")
    if begins == "each":
        session.do("begin")
    console = open_page(session.path)
    console.page.get_by_role("button", name="Finish: Candidate 0").click()
    expect(section(console, "Done")).to_have_text(["Candidate 0"])
    console.page.get_by_role("button", name="Finish: Candidate 1").click()
    console.page.get_by_role("dialog").get_by_role("button", name="Finish").click()
    expect(console.status).to_have_text("completed")


def test_an_exam_that_ends_at_once_took_no_time(open_page: Opener, service: Instance) -> None:
    session = exam(service.url, 1)
    session.do("start", "complete")
    clock = open_page(session.path).page.locator(".big-clock")
    expect(clock).to_contain_text("Ended after")
    expect(clock.get_by_role("timer")).to_have_text("0:00")

"""A race: all begin at once, finish one by one, and are ordered by their time."""

import re

import httpx
from playwright.sync_api import Locator, expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.console import Console
from tests.support import tokens


def running(console: Console) -> Locator:
    """The names of those who still run."""
    return console.page.get_by_role("list", name="Running").locator(".run-name:visible")


def results(console: Console) -> Locator:
    """The names in the results, in their order."""
    return console.page.get_by_role("table", name="Results").get_by_role("rowheader")


def finish(console: Console, name: str) -> None:
    """Record that a runner finishes."""
    console.page.get_by_role("button", name=f"Finish: {name}").click()


def test_a_race_from_the_form_to_the_results(
    open_page: Opener, open_in_new_window: Opener, service: Instance
) -> None:
    host = open_page()
    host.page.locator("input[value=individual]").check(force=True)
    host.page.get_by_role("button", name="Race", exact=True).click()
    host.field("Name: participant 4").fill("")
    host.submit.click()
    host.start()
    expect(running(host)).to_have_text(["Ada", "Ben", "Cleo", "Runner 4"])
    people = httpx.get(f"{service.url}/v1/sessions/{host.session_id}").json()["data"]
    cleo_id = people["participants"][2]["participant_id"]
    token = tokens.participant(host.session_id, cleo_id)
    cleo = open_in_new_window(f"/?session={host.session_id}#token={token}")

    finish(host, "Ada")
    expect(results(cleo)).to_have_text(["Ada"])
    cleo.primary.click()
    expect(results(host)).to_have_text(["Ada", "Cleo"])
    expect(cleo.primary).to_be_hidden()
    gaps = host.page.locator(".result-gap")
    expect(gaps.nth(0)).to_be_empty()
    expect(gaps.nth(1)).to_have_text(re.compile(r"^\+0:\d\d\.\d\d$"))

    host.page.get_by_role("button", name="Undo the finish: Ada").click()
    expect(running(host)).to_have_text(["Ada", "Ben", "Runner 4"])
    finish(host, "Ben")
    expect(results(host)).to_have_text(["Cleo", "Ben"])
    finish(host, "Ada")
    expect(results(host)).to_have_text(["Cleo", "Ben", "Ada"])
    host.page.get_by_role("button", name="More for Runner 4").click()
    host.page.get_by_role("button", name="Gives up").click()
    expect(host.page.locator(".results tbody tr").last).to_contain_text("No finish")

    expect(host.status).to_have_text("running")
    host.page.get_by_role("button", name="End the race").click()
    host.page.get_by_role("dialog").get_by_role("button", name="Complete").click()
    expect(cleo.status).to_have_text("completed")
    expect(results(cleo)).to_have_text(["Cleo", "Ben", "Ada", "Runner 4"])


def test_equal_times_share_a_place(open_page: Opener) -> None:
    console = open_page()
    times = {"Ada": 1200, "Ben": 1000, "Cleo": 1200, "Dan": 1300}
    runs = [
        {"participant_id": name, "state": "finished", "time_used_ms": ms}
        for name, ms in times.items()
    ]
    runs.insert(0, {"participant_id": "Eve", "state": "closed", "time_used_ms": 900})
    shown = console.page.evaluate(
        """async participants => {
          const { results } = await import("/console/runs.js");
          return results({ participants }).map(one =>
            [one.run.participant_id, one.place, one.gapMs]);
        }""",
        runs,
    )
    assert shown == [
        ["Ben", 1, 0],
        ["Ada", 2, 200],
        ["Cleo", 2, 200],
        ["Dan", 4, 300],
        ["Eve", None, 0],
    ]

"""The history of a session is downloaded as a file: a table or JSON."""

import csv
import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Route, expect

from infra.local.instance import Instance
from tests.e2e.axe import violations
from tests.e2e.conftest import Opener
from tests.e2e.console import Console
from tests.e2e.problems import UNAVAILABLE, Problems
from tests.e2e.stories import ApiSession, create_session

S = "\N{RIGHT SINGLE QUOTATION MARK}s"
PER_PAGE = 500


def open_dialog(console: Console) -> Locator:
    """Open the dialog by keyboard alone."""
    button = console.page.get_by_role("button", name="Download …")
    button.focus()
    console.page.keyboard.press("Enter")
    dialog = console.page.get_by_role("dialog", name="Download the history")
    expect(dialog.get_by_label("Format")).to_be_focused()
    return dialog


def download(console: Console, kind: str) -> Path:
    """Download the history in this format, and return the file under its suggested name."""
    dialog = open_dialog(console)
    dialog.get_by_label("Format").select_option(kind)
    with console.page.expect_download() as saved:
        dialog.get_by_role("button", name="Download", exact=True).click()
    expect(dialog).to_have_count(0)
    path = saved.value.path().with_name(saved.value.suggested_filename)
    saved.value.save_as(path)
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table, each with its column names."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_history_is_a_table_for_a_spreadsheet(open_page: Opener, service: Instance) -> None:
    session = create_session(service.url, metadata={"title": "Final: A/B"})
    session.do("start", "switch")
    session.adjust(0, 195_000, 'said "more", twice')
    console = open_page(session.path)
    expect(console.events).to_have_count(4)
    path = download(console, "csv")
    assert path.name == "Final A B history.csv"
    rows = rows_of(path)
    assert [row["what_happened"] for row in rows] == [
        "Session created",
        f"Started: Ada{S} clock runs",
        "Ada → Ben",
        f'Ada{S} clock set to 3:15 (said "more", twice)',
    ]
    for row, event in zip(rows, session.events, strict=True):
        assert row["version"] == str(event["version"])
        assert row["occurred_at"] == event["occurred_at"]
        assert json.loads(row["metadata"]) == event["metadata"]
    assert [row["participant"] for row in rows] == ["", "Ada", "Ada", "Ada"]


def test_the_history_is_json_for_a_program(open_page: Opener, service: Instance) -> None:
    session = create_session(service.url)
    session.do("start", "complete")
    console = open_page(session.path)
    expect(console.events).to_have_count(3)
    path = download(console, "json")
    assert path.name == "One clock per person history.json"
    saved: dict[str, Any] = json.loads(path.read_text())
    assert saved["events"] == session.events
    assert saved["session"]["session_id"] == session.id


def test_a_name_is_never_a_formula_in_a_spreadsheet(open_page: Opener, service: Instance) -> None:
    people = [{"participant_id": "p1", "name": "=1+1"}, {"participant_id": "p2", "name": "@x"}]
    session = create_session(
        service.url, "per_cycle", participants=people, time_per_cycle_ms=60_000
    )
    session.do("start", "switch")
    console = open_page(session.path)
    expect(console.events).to_have_count(3)
    assert [row["participant"] for row in rows_of(download(console, "csv"))] == [
        "",
        "'=1+1",
        "'=1+1",
    ]


def hold(console: Console, pattern: str) -> list[Route]:
    """Let the requests that match the pattern wait, and return their list."""
    held: list[Route] = []
    console.page.route(pattern, lambda route: held.append(route))
    return held


def long_session(service: Instance) -> ApiSession:
    """A session with more events than one request reads."""
    session = create_session(service.url)
    session.do("start", *["pause", "resume"] * (PER_PAGE // 2), "complete")
    return session


def test_a_long_history_is_read_in_pages_with_its_progress(
    open_page: Opener, service: Instance
) -> None:
    session = long_session(service)
    console = open_page(session.path)
    expect(console.events.first).to_have_text("Completed")
    held = hold(console, f"**/events?after={PER_PAGE}&*")
    dialog = open_dialog(console)
    with console.page.expect_request(f"**/events?after={PER_PAGE}&*"):
        dialog.get_by_role("button", name="Download", exact=True).click()
    total = PER_PAGE + 3
    expect(dialog.locator(".export-progress")).to_have_text(f"{PER_PAGE} of {total}")
    bar = dialog.get_by_role("progressbar", name="Events read")
    expect(bar).to_have_attribute("max", str(total))
    expect(bar).to_have_js_property("value", PER_PAGE)
    assert violations(console.page) == []
    with console.page.expect_download() as saved:
        held[0].continue_()
    versions = [int(row["version"]) for row in rows_of(saved.value.path())]
    assert versions == list(range(1, total + 1))
    console.page.unroute_all()


def test_a_download_ends_when_its_dialog_is_closed(open_page: Opener, service: Instance) -> None:
    session = long_session(service)
    console = open_page(session.path)
    expect(console.events.first).to_have_text("Completed")
    names: list[str] = []
    console.page.on("download", lambda saved: names.append(saved.suggested_filename))
    held = hold(console, "**/events?after=0&*")
    dialog = open_dialog(console)
    with console.page.expect_request("**/events?after=0&*"):
        dialog.get_by_role("button", name="Download", exact=True).click()
    console.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    with console.page.expect_response("**/events?after=0&*"):
        held[0].continue_()
    console.page.unroute_all()
    download(console, "csv")
    assert names == ["One clock per person history.csv"]


def test_no_page_is_read_after_the_reader_was_told_to_end(open_page: Opener) -> None:
    page = open_page().page
    calls = page.evaluate("""async () => {
      const { readWholeTrail } = await import("/console/whole-trail.js");
      const calls = [];
      const events = async (after, limit) => {
        calls.push(after);
        return { events: [{ version: after + limit }], next: after + limit };
      };
      const read = await readWholeTrail({ events }, 5000, (version) => version < 1000);
      return [read, calls];
    }""")
    assert calls == [None, [0, PER_PAGE]]


def test_a_download_says_that_the_newest_events_are_missing(
    open_page: Opener, service: Instance
) -> None:
    session = create_session(service.url)
    session.do("start", "pause")
    console = open_page(session.path)
    expect(console.events).to_have_count(3)
    late = {"data": {"events": session.events[:-1], "next": None}}
    console.page.route("**/events?after=0&*", lambda route: route.fulfill(json=late))
    assert [row["version"] for row in rows_of(download(console, "csv"))] == ["1", "2"]
    expect(console.page.locator("#toast")).to_contain_text("without the newest 1 event.")
    console.page.unroute_all()


def test_a_failed_download_says_why_and_can_be_repeated(
    open_page: Opener, service: Instance, problems: Problems
) -> None:
    session = create_session(service.url)
    console = open_page(session.path)
    expect(console.events).to_have_count(1)
    dialog = open_dialog(console)
    failure = {"error": {"code": "AUDIT_UNAVAILABLE", "message": "The audit database is away"}}
    console.page.route(
        "**/events?after=0&*",
        lambda route: route.fulfill(status=503, json=failure, headers={"Retry-After": "60"}),
    )
    dialog.get_by_role("button", name="Download", exact=True).click()
    expect(dialog.get_by_role("alert")).to_have_text("The audit database is away.")
    console.page.unroute_all()
    with console.page.expect_download():
        dialog.get_by_role("button", name="Download", exact=True).click()
    problems.expect(UNAVAILABLE)

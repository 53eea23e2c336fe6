"""The table of the lag that participants got back."""

import httpx
from playwright.sync_api import expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.stories import create_session


def test_the_table_shows_what_each_participant_got_back(
    open_page: Opener, service: Instance
) -> None:
    session = create_session(service.url, lag={"gain_ms": 10})
    session.do("start")
    console = open_page(session.path)
    rows = console.page.locator(".fairness tbody tr")
    expect(rows).to_have_text(["Ada00.00 s0.03 s", "Ben00.00 s0.03 s"])
    console.wait_until_running("Ada")  # the claim below is more than the quota of 30 ms
    claim = {"acted_at_ms": 0, "error_ms": 0}
    url = f"{service.url}/v1/sessions/{session.id}/switch"
    httpx.post(url, json=claim).raise_for_status()
    expect(rows.first).to_contain_text("Ada10.03 sof")
    expect(rows.first.locator("td").last).to_have_text("0.01 s")
    expect(rows.last).to_have_text("Ben00.00 s0.03 s")
    report = httpx.get(f"{service.url}/v1/sessions/{session.id}/fairness").json()["data"]
    claimed_s = report["participants"][0]["claimed_ms"] / 1000
    expect(rows.first.locator("small")).to_have_text(f"of {claimed_s:.2f} s claimed")
    httpx.post(url, json={"frame_lag_ms": 0}).raise_for_status()
    expect(rows.last).to_have_text("Ben10.00 s0.04 s+0.01 s a turn")


def test_the_table_fits(open_page: Opener, service: Instance) -> None:
    name = "Maximiliana Alexandrowna Wolkenstein-Hohenburg"
    people = [
        {"participant_id": str(n), "name": f"{name} {n}", "total_time_ms": 86_400_000}
        for n in range(2)
    ]
    session = create_session(service.url, participants=people, lag={})
    console = open_page(session.path)
    expect(console.page.locator(".fairness")).to_be_visible()
    for width in (1280, 390):
        console.page.set_viewport_size({"width": width, "height": 800})
        assert console.page.evaluate("document.documentElement.scrollWidth") <= width
        area = console.page.locator(".fairness-area")
        assert area.evaluate("area => area.scrollWidth <= area.clientWidth")


def test_a_session_without_lag_has_no_table(open_page: Opener, service: Instance) -> None:
    console = open_page(create_session(service.url).path)
    expect(console.events).to_have_text(["Session created"])
    expect(console.page.get_by_role("heading", name="Lag compensation")).to_be_hidden()

"""What a screen reader gets, from Chromium's accessibility tree: names, and announcements."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.stories import ApiSession, create_session
from tests.e2e.test_axe import PURPOSES, with_purpose
from tests.e2e.test_exam import MINUTE_MS, WARNING, adjust, exam

CONTROLS = {"button", "checkbox", "combobox", "link", "radio", "textbox", "timer"}
"""Roles of what a user presses, fills in or reads, and so must know by name."""

LANDMARKS = {"banner", "main", "contentinfo"}


def tree(page: Page) -> list[dict[str, Any]]:
    """Return the nodes of the accessibility tree that a screen reader presents."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return [node for node in nodes if not node["ignored"]]


def role(node: dict[str, Any]) -> str:
    return str(node["role"]["value"])


def name(node: dict[str, Any]) -> str:
    return str(node.get("name", {}).get("value", "")).strip()


def live_text(page: Page) -> list[tuple[str, str]]:
    """Return each live region with text: how urgent it is, and the text."""
    nodes = tree(page)
    by_id = {node["nodeId"]: node for node in nodes}

    def text(node: dict[str, Any]) -> str:
        if role(node) == "StaticText":
            return name(node)
        children = (by_id[one] for one in node.get("childIds", []) if one in by_id)
        return " ".join(filter(None, map(text, children)))

    regions = (
        (one["value"]["value"], text(node))
        for node in nodes
        for one in node.get("properties", [])
        if one["name"] == "live" and one["value"]["value"] != "off"
    )
    return [region for region in regions if region[1]]


def assert_named(page: Page) -> None:
    """Assert that the page has its landmarks and one title, and that each control has a name."""
    nodes = tree(page)
    roles = [role(node) for node in nodes]
    assert set(roles) >= LANDMARKS
    titles = [
        node
        for node in nodes
        if role(node) == "heading"
        and {"name": "level", "value": {"type": "integer", "value": 1}} in node["properties"]
    ]
    assert len(titles) == 1
    controls = [node for node in nodes if role(node) in CONTROLS]
    assert controls
    assert [role(node) for node in controls if not name(node)] == []


def test_everything_on_the_start_page_has_a_name(open_page: Opener) -> None:
    console = open_page()
    expect(console.submit).to_be_visible()
    assert_named(console.page)


@pytest.mark.parametrize("purpose", ["", *PURPOSES])
def test_everything_on_the_page_of_a_session_has_a_name(
    open_page: Opener, service: Instance, purpose: str
) -> None:
    session: ApiSession
    session = with_purpose(service.url, purpose) if purpose else create_session(service.url)
    session.do("start")
    console = open_page(session.path)
    expect(console.status).to_have_text("running")
    assert_named(console.page)
    timers = [name(node) for node in tree(console.page) if role(node) == "timer"]
    assert timers
    if not purpose:
        assert timers == ["Ada", "Ben"]


def test_turns_warnings_and_the_end_of_a_game_are_announced(
    open_page: Opener, service: Instance
) -> None:
    session = create_session(
        service.url,
        warn_at_ms=[MINUTE_MS],
        action_on_timeout={"type": "end_session", "winner_by": "time"},
    )
    page = open_page(session.path).page
    expect(page.locator("#announcer")).to_have_text("Ready to start.")
    session.do("start")
    expect_announced(page, r"Running\. Ada, (10:00|9:\d\d) left\.")
    session.adjust(0, MINUTE_MS + 3_000, "to the warning")
    expect_announced(page, r"Ada: 1 minute left\.")
    session.do("switch")
    expect_announced(page, r"Ben, (10:00|9:\d\d) left\.")
    session.adjust(1, 1_000, "to the end")
    expect_announced(page, r"Time is up\. Ben.s flag fell: Ada wins on time\.")


def expect_announced(page: Page, words: str) -> None:
    """Expect that a screen reader says these words when it has said everything else."""
    expect(page.locator("#announcer")).to_have_text(re.compile(f"^{words}$"))
    said = [text for urgency, text in live_text(page) if urgency == "polite"]
    assert any(re.fullmatch(words, text) for text in said), said


def test_the_warning_of_an_exam_is_announced_at_once(open_page: Opener, service: Instance) -> None:
    session = exam(service.url, 3)
    session.do("start")
    page = open_page(session.path).page
    adjust(service.url, session.id, set_ms=4 * MINUTE_MS)
    expect(page.get_by_role("alert").filter(has_text=WARNING)).to_be_visible()
    assert ("assertive", WARNING) in live_text(page)

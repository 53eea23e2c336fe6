"""What a screen reader gets, from Chromium's accessibility tree: names, and announcements."""

import re
from collections import Counter
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

FILLED_IN = {"textbox", "combobox"}
USED = {"button", "link"} | FILLED_IN
"""Roles of controls that are told apart by their names alone."""

SAME_ACTION = {"Start the next round"}
"""Names that several buttons have, which all do the same."""

MODES = ("per_participant", "per_cycle", "per_group", "global", "individual", "count_up")

_OPENED_TOGETHER = """() => {
  const key = "synckairos.recent";
  const all = JSON.parse(localStorage.getItem(key)).map(one => ({ ...one, openedAt: 0 }));
  localStorage.setItem(key, JSON.stringify(all));
}"""
"""Makes this browser's sessions look as if all had been opened in the same minute."""

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
    assert shared_names(page) == set()


def shared_names(page: Page) -> set[str]:
    """Return the names that several buttons, links or fields have, which do different things."""
    names = Counter(name(node) for node in tree(page) if role(node) in USED)
    return {one for one, number in names.items() if number > 1} - SAME_ACTION


def removers(page: Page) -> list[str]:
    """Return the names of the buttons that remove something from the form."""
    names = [name(node) for node in tree(page) if role(node) == "button"]
    return [one for one in names if one.startswith("Remove") and "from the list" not in one]


def fields(page: Page, noun: str) -> list[str]:
    """Return the names of the fields of rows in the form, such as those of each participant."""
    names = [name(node) for node in tree(page) if role(node) in FILLED_IN]
    return [one for one in names if f": {noun} " in one]


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


@pytest.mark.parametrize("mode", MODES)
def test_no_two_controls_of_the_form_have_one_name(open_page: Opener, mode: str) -> None:
    console = open_page()
    console.page.locator(f"input[value={mode}]").check(force=True)
    presets = console.page.get_by_role("group", name="Presets").get_by_role("button")
    for preset in presets.filter(has_not_text="More time controls").all():
        preset.click()
        assert_named(console.page)


def test_each_row_of_people_is_removed_by_its_name(open_page: Opener) -> None:
    page = open_page().page
    people = page.get_by_role("group", name="Participants")
    people.get_by_role("button", name="Add a person").click()
    people.get_by_role("button", name="Add a person").click()
    unnamed = ["Remove participant 3", "Remove participant 4"]
    assert removers(page) == ["Remove participant Ada", "Remove participant Ben", *unnamed]
    people.get_by_label("Name").nth(2).fill("Ada")
    same = ["Remove participant Ada, 1 of 2", "Remove participant Ada, 2 of 2"]
    assert removers(page) == [same[0], "Remove participant Ben", same[1], unnamed[1]]
    people.get_by_role("button", name=same[0]).click()
    assert removers(page) == ["Remove participant Ben", "Remove participant Ada", unnamed[0]]
    expect(people.get_by_label("Name").last).to_have_attribute("placeholder", "Person 3")


def test_each_field_of_a_person_names_its_row(open_page: Opener) -> None:
    page = open_page().page
    people = page.get_by_role("group", name="Participants")
    people.get_by_role("button", name="Add a person").click()
    names = [f"Name: participant {number}" for number in (1, 2, 3)]
    times = [f"Own time: participant {who}" for who in ("Ada", "Ben", "3")]
    assert sorted(fields(page, "participant")) == sorted(names + times)
    people.get_by_label("Name: participant 3").fill("Ben")
    people.get_by_role("button", name="Remove participant Ada").click()
    times = [f"Own time: participant Ben, {number} of 2" for number in (1, 2)]
    assert sorted(fields(page, "participant")) == sorted(names[:2] + times)


def test_each_field_of_an_item_names_its_row(open_page: Opener) -> None:
    page = open_page().page
    page.locator("input[value=global]").check(force=True)
    page.get_by_role("button", name="Meeting", exact=True).click()
    titles = [f"Title: item {number}" for number in (1, 2, 3)]
    lengths = [f"Length: item {title}" for title in ("Welcome", "Numbers", "Decisions")]
    assert sorted(fields(page, "item")) == sorted(titles + lengths)


def test_each_item_of_an_agenda_is_removed_by_its_title(open_page: Opener) -> None:
    page = open_page().page
    page.locator("input[value=global]").check(force=True)
    page.get_by_role("button", name="Meeting", exact=True).click()
    page.get_by_role("button", name="Add an item").click()
    titles = ["Welcome", "Numbers", "Decisions", "4"]
    assert removers(page) == [f"Remove item {title}" for title in titles]
    page.get_by_label("Title: item 1").fill("Coffee")
    page.get_by_role("button", name="Remove item Numbers").click()
    assert removers(page) == ["Remove item Coffee", "Remove item Decisions", "Remove item 3"]


def test_a_time_control_is_removed_by_its_name(open_page: Opener) -> None:
    page = open_page().page
    page.get_by_role("button", name="More time controls").click()
    page.get_by_role("dialog").get_by_role("button", name="Bullet").first.click()
    assert "Remove the time control" in removers(page)
    assert_named(page)


def test_items_with_the_same_title_are_told_apart(open_page: Opener, service: Instance) -> None:
    session = create_session(
        service.url,
        "global empty",
        total_time_ms=None,
        programme="poker_levels_20",
        metadata={"purpose": "meeting"},
    )
    session.do("start")
    console = open_page(session.path)
    expect(
        console.page.get_by_role("button", name=re.compile("^Go to Break, 2 of"))
    ).to_be_visible()
    assert_named(console.page)


def test_the_steps_of_one_candidate_name_it(open_page: Opener, service: Instance) -> None:
    session = exam(service.url, 3)
    session.do("start")
    page = open_page(session.path).page
    page.get_by_role("button", name="More for Candidate 1").click()
    steps = page.locator(".run-menu").get_by_role("button", name=": Candidate 1")
    expect(steps).to_have_text(["Pause", "More time …", "Close without a finish", "Rename …"])
    expect(steps.nth(1)).to_have_accessible_name("More time …: Candidate 1")
    assert_named(page)


def test_sessions_with_the_same_title_are_told_apart(
    open_in_new_window: Opener, service: Instance
) -> None:
    titles = ["Final", "Final", "Other"]
    sessions = [create_session(service.url, metadata={"title": title}) for title in titles]
    console = open_in_new_window("/")
    for session in sessions:
        console.page.goto(service.url + session.path)
        expect(console.status).to_have_text("pending")
        console.page.wait_for_function(
            "id => localStorage.getItem('synckairos.recent')?.includes(id)", arg=session.id
        )
    console.page.evaluate(_OPENED_TOGETHER)
    console.page.goto(service.url)
    recent = console.page.get_by_role("region", name="Your sessions")
    expect(recent.get_by_role("link", name=re.compile("^Final, .*, 2 of 2$"))).to_be_visible()
    expect(recent.get_by_role("link", name="Other", exact=True)).to_be_visible()
    assert_named(console.page)
    recent.get_by_role(
        "button", name=re.compile("^Remove Final, .*, 1 of 2 from the list$")
    ).click()
    expect(recent.get_by_role("link", name="Final", exact=True)).to_be_visible()


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

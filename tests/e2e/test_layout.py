"""Everything fits into the page, on phones and on wide screens, in every mode."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from infra.local.instance import Instance
from tests.e2e.conftest import PHONE, Opener
from tests.e2e.console import Console
from tests.e2e.stories import SHAPES, ApiSession, create_session
from tests.e2e.test_axe import with_purpose

WIDTHS = (320, 390, 1280, 1920)
NAME = "Maximiliana Alexandrowna Wolkenstein-Hohenburg-Recke"
TENTHS_MS, HOUR_MS, DAYS_MS = 14_000, 5_390_000, 259_200_000

TIMES: dict[str, dict[str, Any]] = {
    "tenths": {"total_time_ms": TENTHS_MS},
    "hours": {"total_time_ms": HOUR_MS},
    "days": {"total_time_ms": DAYS_MS, "time_control": {"delay_ms": 0}},
    "periods": {
        "total_time_ms": 0,
        "time_control": {"overtime": {"period_ms": 9000, "periods": 5}},
    },
    "negative": {"total_time_ms": 0, "time_control": {"overtime": {"extra_ms": 600_000}}},
}
"""Banks and time controls by what the clocks show."""

_OUTSIDE = """() => {
  const outside = [];
  const check = (node, [left, top, right, bottom]) => {
    const box = node.getBoundingClientRect();
    const fits = box.left >= left && box.top >= top && box.right <= right && box.bottom <= bottom;
    if (box.width && !fits) outside.push(`${node.className}: ${node.textContent}`);
  };
  for (const face of document.querySelectorAll(".face")) {
    const { left, top, right, bottom } = face.getBoundingClientRect();
    const parts = ".face-time, .face-head, .face-overtime, .face-foot, button";
    for (const part of face.querySelectorAll(parts)) {
      check(part, [left - 0.5, top - 0.5, right + 0.5, bottom + 0.5]);
    }
  }
  for (const node of document.querySelectorAll("header *, .controls > *, .participant-list *")) {
    check(node, [-0.5, -Infinity, innerWidth + 0.5, Infinity]);
  }
  return outside;
}"""
"""Parts outside of their clock, and others outside of the page."""

_OVERLAPS = """() => [...document.querySelectorAll(".face")].flatMap(face => {
  const [head, time, foot] = [".face-head", ".face-time", ".face-foot"].map(part =>
    face.querySelector(part).getBoundingClientRect());
  return time.top < head.bottom - 1 || time.bottom > foot.top + 1 ? [face.textContent] : [];
})"""
"""Clocks whose time covers their name or their buttons."""

_SMALL = """() => [...document.querySelectorAll("button, a, input, select")]
  .filter(node => node.checkVisibility() && !node.matches(".skip, [type=checkbox], [type=radio]"))
  .filter(node => Math.min(node.offsetWidth, node.offsetHeight) < 44)
  .map(node => node.outerHTML)"""
"""Controls that are too small for a finger; the label of a checkbox is pressed instead of it."""

_IS_ONE_ROW = """bottom => {
  const boxes = [...bottom.querySelectorAll(".connection, dd, kbd")]
    .filter(node => node.checkVisibility())
    .map(node => node.getBoundingClientRect());
  return Math.max(...boxes.map(box => box.top)) < Math.min(...boxes.map(box => box.bottom));
}"""
"""Whether all parts of the page's last line are beside each other."""


def expect_all_inside(console: Console, width: int) -> None:
    """Expect that nothing is cut off, covered or scrolled sideways in a window of this width."""
    console.page.set_viewport_size({"width": width, "height": 640 if width == 320 else 800})
    console.page.evaluate("new Promise(requestAnimationFrame)")
    assert console.page.evaluate("document.documentElement.scrollWidth") <= width
    assert console.page.evaluate(_OUTSIDE) == []
    assert console.page.evaluate(_OVERLAPS) == []


def long_names(state: Any) -> dict[str, Any]:
    """Return fields of a creation that give a session and its people names of 60 characters."""
    return {
        "metadata": {
            "title": f"{NAME} session"[:60],
            "names": {
                one["participant_id"]: f"{NAME} {n:07}"
                for n, one in enumerate(state["participants"])
            },
            "group_names": {one["group_id"]: f"{NAME} team" for one in state.get("groups", [])},
        }
    }


def renamed(url: str, shape: str) -> ApiSession:
    """Create a running session of this shape with long names."""
    draft = create_session(url, shape).state
    people = [
        {k: one[k] for k in ("participant_id", "total_time_ms", "group_id") if k in one}
        for one in draft["participants"]
    ]
    session = create_session(url, shape, participants=people, **long_names(draft))
    session.do("start", "switch", "pause")
    return session


@pytest.mark.parametrize("shape", SHAPES)
def test_long_names_fit_in_every_mode(open_page: Opener, service: Instance, shape: str) -> None:
    console = open_page(renamed(service.url, shape).path)
    expect(console.status).to_have_text("paused")
    for width in WIDTHS:
        expect_all_inside(console, width)


@pytest.mark.parametrize(
    ("times", "people"),
    [("tenths", 2), ("hours", 4), ("days", 6), ("periods", 2), ("negative", 4)],
)
def test_times_of_every_length_fit(
    open_page: Opener, service: Instance, times: str, people: int
) -> None:
    control = dict(TIMES[times])
    bank_ms = control.pop("total_time_ms")
    players = [
        {"participant_id": f"p{n}", "name": f"{NAME} {n:07}", "total_time_ms": bank_ms}
        for n in range(people)
    ]
    session = create_session(service.url, participants=players, **control)
    session.do("start", "switch", "pause")
    console = open_page(session.path)
    expect(console.status).to_have_text("paused")
    for width in WIDTHS:
        expect_all_inside(console, width)


@pytest.mark.parametrize(
    ("people", "action", "note"),
    [
        (2, {"type": "end_session", "winner_by": "time"}, "Flag fallen"),
        (4, {"type": "end_session"}, "Time.s up"),
    ],
)
def test_the_end_of_a_clock_fits(
    open_page: Opener, service: Instance, people: int, action: dict[str, Any], note: str
) -> None:
    players = [
        {"participant_id": f"p{n}", "name": f"{NAME} {n:07}", "total_time_ms": 1000}
        for n in range(people)
    ]
    session = create_session(service.url, participants=players, action_on_timeout=action)
    session.do("start")
    console = open_page(session.path)
    expect(console.clocks.first.locator(".face-note")).to_have_text(re.compile(f"^{note}$"))
    for width in WIDTHS:
        expect_all_inside(console, width)


def test_the_form_fits(open_page: Opener) -> None:
    console = open_page()
    for mode in ("per_participant", "per_cycle", "per_group", "global", "individual", "count_up"):
        console.page.locator(f"input[value={mode}]").check(force=True)
        for width in WIDTHS:
            expect_all_inside(console, width)


def test_the_button_that_creates_a_session_is_above_the_fold(
    open_in_new_window: Opener, service: Instance
) -> None:
    page = open_in_new_window("/").page
    for mode in ("per_participant", "per_cycle", "per_group", "global", "individual", "count_up"):
        page.locator(f"input[value={mode}]").check(force=True)
        for preset in page.locator(".chip:not([aria-haspopup])").all():
            preset.click()
            box = page.get_by_role("button", name="Create session").bounding_box()
            assert box, mode
            assert box["y"] + box["height"] <= 800, (mode, preset.inner_text())
    expect(open_in_new_window(create_session(service.url).path).clocks).to_have_count(2)
    page.reload()
    expect(page.locator(".recent-list li")).to_have_count(1)
    box = page.get_by_role("button", name="Create session").bounding_box()
    assert box
    assert box["y"] + box["height"] <= 800


def test_keys_and_the_state_of_the_connection_are_in_one_row(
    open_page: Opener, service: Instance
) -> None:
    session = create_session(service.url)
    session.do("start", "switch")
    console = open_page(session.path)
    expect(console.sync("screens")).to_have_text("1 of 1 within 40 ms")
    console.page.set_viewport_size({"width": 1280, "height": 800})
    assert console.page.locator(".bottom").evaluate(_IS_ONE_ROW)


def test_a_session_without_a_title_shows_the_name_of_its_mode_once(
    open_page: Opener, service: Instance
) -> None:
    console = open_page(create_session(service.url).path)
    expect(console.page.locator("#title")).to_have_text("One clock per personpending")
    titled = create_session(service.url, metadata={"title": "Final"})
    console = open_page(titled.path)
    expect(console.page.locator("#title")).to_have_text("FinalOne clock per personpending")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)])
def test_of_many_clocks_the_active_one_and_the_buttons_are_in_view(
    open_page: Opener, service: Instance, width: int, height: int
) -> None:
    session = create_session(service.url, "per_participant many")
    session.do("start", *["switch"] * 20)
    console = open_page("/")
    console.page.set_viewport_size({"width": width, "height": height})
    console.page.goto(service.url + session.path)
    for name in ("Player 20", "Player 21"):
        expect(console.active).to_have_text(name)
        expect(console.time_of(name)).to_be_in_viewport(ratio=1)
        expect(console.primary).to_be_in_viewport(ratio=1)
        console.primary.click()


@pytest.mark.parametrize("purpose", ["", "auction", "exam", "meeting", "race"])
def test_a_finger_finds_everything_large_enough(
    chromium: Browser, service: Instance, purpose: str
) -> None:
    session = with_purpose(service.url, purpose) if purpose else create_session(service.url)
    session.do("start")
    with chromium.new_context(base_url=service.url, **PHONE) as window:
        console = Console(window.new_page())
        console.page.goto("/")
        expect(console.submit).to_be_visible()
        assert console.page.evaluate(_SMALL) == []
        console.page.goto(session.path)
        expect(console.status).to_have_text("running")
        assert console.page.evaluate(_SMALL) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_buttons_of_an_auction_with_bidders_are_beside_each_other(
    open_page: Opener, service: Instance, width: int
) -> None:
    session = with_purpose(service.url, "auction")
    session.do("start")
    console = open_page(session.path)
    console.page.set_viewport_size({"width": width, "height": 800})
    expect(console.status).to_have_text("running")
    pause, more = (
        console.page.get_by_role("button", name=name, exact=True).bounding_box()
        for name in ("Pause P" if width > 720 else "Pause", "More")
    )
    assert pause
    assert more
    assert 0 < more["x"] - (pause["x"] + pause["width"]) < 24


def test_the_result_of_a_race_is_one_line_each(open_page: Opener, service: Instance) -> None:
    session = with_purpose(service.url, "race")
    session.do("start", "complete")
    console = open_page(session.path)
    cells = console.page.locator(".result-time")
    expect(cells).to_have_text(["No finish"] * 4)
    for width in WIDTHS:
        console.page.set_viewport_size({"width": width, "height": 800})
        lines = cells.evaluate_all(
            "cells => cells.map(cell => { const range = document.createRange();"
            " range.selectNodeContents(cell); return range.getClientRects().length; })"
        )
        assert lines == [1] * 4, width
        assert console.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("purpose", ["exam", "quiz_answers"])
@pytest.mark.parametrize("status", ["running", "completed"])
def test_no_button_of_a_room_has_a_line_of_its_own_on_a_phone(
    open_page: Opener, service: Instance, purpose: str, status: str
) -> None:
    session = with_purpose(service.url, purpose)
    session.do("start", *(["complete"] if status == "completed" else []))
    console = open_page(session.path)
    console.page.set_viewport_size({"width": 390, "height": 844})
    expect(console.status).to_have_text(status)
    more = console.page.get_by_role("button", name="More", exact=True)
    beside = more.evaluate(
        "more => [...more.parentNode.children].some(one => one !== more"
        " && one.checkVisibility() && one.offsetTop === more.offsetTop)"
    )
    assert beside

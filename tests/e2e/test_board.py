"""The board: many sessions on one screen, and the form that makes it."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.stories import ApiSession, create_session
from tests.e2e.test_layout import NAME
from tests.support import tokens
from tests.support.api import chess

SIZES = ((1280, 800), (1920, 1080))

_OUTSIDE = """() => {
  const outside = [];
  for (const tile of document.querySelectorAll(".tile")) {
    const frame = tile.getBoundingClientRect();
    if (frame.right > innerWidth + 0.5 || frame.bottom > innerHeight + 0.5) {
      outside.push(`tile ${tile.textContent}`);
    }
    for (const part of tile.querySelectorAll(".tile-time, .tile-status")) {
      const box = part.getBoundingClientRect();
      const fits = box.left >= frame.left - 0.5 && box.right <= frame.right + 0.5 &&
        box.top >= frame.top - 0.5 && box.bottom <= frame.bottom + 0.5;
      if (!fits) outside.push(part.textContent);
    }
  }
  return outside;
}"""
"""Tiles outside of the window, and times outside of their tile."""

_OVERLAPS = """() => [...document.querySelectorAll(".tile-clock")].flatMap(clock => {
  const [name, time] = [".tile-name", ".tile-time"].map(part =>
    clock.querySelector(part).getBoundingClientRect());
  const isApart = name.bottom <= time.top + 2 || name.right <= time.left + 1;
  return isApart ? [] : [clock.textContent];
})"""
"""Clocks whose time covers their name."""


def sessions_of_all_kinds(url: str, number: int) -> list[ApiSession]:
    """Create sessions with two clocks, with four, with a room's clock, and with a long name."""
    people = [{"participant_id": f"c{n}"} for n in range(30)]
    exam = {"sync_mode": "individual", "participants": people, "total_time_ms": 5_390_000}
    kinds: tuple[dict[str, Any], ...] = (
        {},
        {"shape": "per_participant many"},
        exam,
        {"metadata": {"title": NAME}},
        {"shape": "global"},
    )
    return [create_session(url, **kinds[n % len(kinds)]) for n in range(number)]


def path_of(sessions: list[ApiSession]) -> str:
    return "/board?" + "&".join(f"session={one.id}" for one in sessions)


def tile(page: Page, title: str) -> Locator:
    return page.locator(".tile").filter(has=page.get_by_role("heading", name=title))


@pytest.mark.parametrize("number", [2, 4, 11, 40])
def test_a_board_fills_the_screen_without_scrolling(
    open_page: Opener, service: Instance, number: int
) -> None:
    sessions = sessions_of_all_kinds(service.url, number)
    for one in sessions[::2]:
        one.do("start")
    for one in sessions[::4]:
        one.do("pause")
    page = open_page(path_of(sessions)).page
    expect(page.locator(".tile:has(.tile-time)")).to_have_count(number)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        scrolled = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        assert page.evaluate(scrolled) == [width, height]
        assert page.evaluate(_OUTSIDE) == []
        assert page.evaluate(_OVERLAPS) == []


def test_the_title_of_a_tile_is_a_link_to_its_session(open_page: Opener, service: Instance) -> None:
    titles = ("Final", "Final", "Other")
    sessions = [create_session(service.url, metadata={"title": title}) for title in titles]
    page = open_page(path_of(sessions)).page
    links = page.locator(".tile").get_by_role("link")
    expect(links).to_have_text(titles)
    for position, name in enumerate(("Final, 1 of 2", "Final, 2 of 2", "Other")):
        expect(links.nth(position)).to_have_accessible_name(name)
    with page.expect_popup() as popup:
        links.last.click()
    popup.value.wait_for_url(f"**{sessions[2].path}")


def test_a_phone_scrolls_down_only(open_page: Opener, service: Instance) -> None:
    page = open_page(path_of(sessions_of_all_kinds(service.url, 12))).page
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator(".tile:has(.tile-time)")).to_have_count(12)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_each_tile_follows_its_session_and_tells_its_state_in_words(
    open_page: Opener, service: Instance
) -> None:
    game: dict[str, Any] = {"action_on_timeout": {"type": "end_session", "winner_by": "time"}}
    names = ("First", "Second", "Third")
    sessions = [create_session(service.url, metadata={"title": one}, **game) for one in names]
    page = open_page(path_of(sessions)).page
    for name in names:
        expect(tile(page, name).locator(".tile-status")).to_have_text("Not started")
    for one in sessions:
        one.do("start")
    expect(page.locator(".tile[data-status=running] .tile-status")).to_have_text(["", "", ""])
    sessions[1].do("pause")
    sessions[2].adjust(0, 1_000, "correction")
    expect(tile(page, "Second").locator(".tile-status")).to_have_text("Paused")
    third = tile(page, "Third")
    expect(third.locator(".tile-status")).to_have_text(re.compile("^Time.s up$"))
    expect(third).to_contain_text("Flag fallen")
    expect(third).to_contain_text("Wins on time")
    sessions[0].do("complete")
    expect(tile(page, "First").locator(".tile-status")).to_have_text("Completed")


def test_what_a_clock_says_is_not_cut_on_a_phone(open_page: Opener, service: Instance) -> None:
    action = {"type": "end_session", "winner_by": "time"}
    game = create_session(service.url, action_on_timeout=action)
    game.do("start")
    game.adjust(0, 1_000, "correction")
    question = {"item_id": "q", "title": "Question", "duration_ms": 1_000, "on_end": "wait"}
    quiz = create_session(
        service.url,
        "global empty",
        total_time_ms=None,
        items=[question],
        repeat=10,
        metadata={"purpose": "quiz"},
    )
    quiz.do("start")
    page = open_page().page
    page.set_viewport_size({"width": 390, "height": 844})
    others = [create_session(service.url) for _ in range(8)]
    page.goto(service.url + path_of([game, quiz, *others]))
    notes = page.locator(".tile-note:not(:empty)")
    expect(notes).to_have_count(3)
    expect(page.locator(".tile-name").nth(2)).to_have_text("Question 1 of 10")
    cut = "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.textContent)"
    assert notes.evaluate_all(cut) == []
    assert page.evaluate(_OVERLAPS) == []


def test_a_tile_says_that_its_session_was_deleted(open_page: Opener, service: Instance) -> None:
    session = create_session(service.url)
    page = open_page(path_of([session])).page
    expect(page.locator(".tile-status")).to_have_text("Not started")
    httpx.delete(f"{service.url}/v1/sessions/{session.id}").raise_for_status()
    expect(page.locator(".tile-status")).to_have_text("Deleted")


def test_a_board_is_made_of_pasted_links_and_of_a_list(
    open_page: Opener, service: Instance
) -> None:
    pasted, listed = (
        create_session(service.url, metadata={"title": name}) for name in ("Pasted", "Listed")
    )
    page = open_page("/board").page
    links = page.get_by_label("Links to sessions")
    show = page.get_by_role("button", name="Show the board")
    show.click()
    expect(links).to_have_accessible_description(re.compile("Paste a link, or choose a session"))
    links.fill(f"https://other.example/?session={pasted.id}\nno link")
    show.click()
    expect(links).to_have_accessible_description(
        re.compile("Line 1: the link leads to another service. Line 2: this is no link.")
    )
    links.fill(f"{service.url}{pasted.path}\n\n{pasted.id}")
    page.get_by_role("checkbox", name="Listed").first.check()
    show.click()
    expect(tile(page, "Pasted")).to_be_visible()
    expect(tile(page, "Listed")).to_be_visible()
    expect(page.locator(".tile")).to_have_count(2)
    assert page.url.endswith(f"/board?session={pasted.id}&session={listed.id}")
    page.get_by_role("link", name="Change").click()
    expect(links).to_have_value("\n".join(f"{service.url}{one.path}" for one in (pasted, listed)))
    page.go_back()
    expect(page.locator(".tile")).to_have_count(2)


def test_more_sessions_than_a_board_shows_are_refused(open_page: Opener, service: Instance) -> None:
    session = create_session(service.url)
    ids = [f"{session.id[:-2]}{n:02}" for n in range(41)]
    page = open_page("/board?" + "&".join(f"session={one}" for one in ids)).page
    expect(page.get_by_role("heading", name="Too many sessions")).to_be_visible()


def test_each_session_has_its_own_token_which_leaves_the_address(
    open_in_new_window: Opener, auth_service: Instance
) -> None:
    host = tokens.bearer(tokens.host())
    sessions = [
        str(
            httpx.post(f"{auth_service.url}/v1/sessions", json=chess(), headers=host)
            .raise_for_status()
            .json()["data"]["session_id"]
        )
        for _ in range(2)
    ]
    fragment = "&".join(f"session={one}&token={tokens.spectator(one)}" for one in sessions)
    page = open_in_new_window(f"{auth_service.url}/board#{fragment}").page
    for _ in range(2):
        expect(page.locator(".tile .tile-status")).to_have_text(["Not started", "Not started"])
        assert "token" not in page.url
        page.reload()

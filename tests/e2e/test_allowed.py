"""A control is shown, and a key works, only for those who may use it at that time."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from infra.local.instance import Instance
from tests.e2e.console import Console
from tests.support import tokens

HOST = tokens.bearer(tokens.host())
BANK_MS = 600_000
ALWAYS = {"More", "Download …"}
"""Buttons that a host has in every status."""

NAMES = ("Ada", "Ben")
TURNS = {"End the turn of Ada", "Switch to Ben"}
STEPS = {
    f"{step} {name}"
    for step in ("\N{MINUS SIGN}15 s, take 15 seconds off", "+15 s, add 15 seconds to")
    for name in NAMES
}

_SHOWN = """() => [...document.querySelectorAll("main :is(button, a)")]
  .filter(node => node.checkVisibility())
  .map(node => node.ariaLabel ?? node.firstChild.textContent)"""


class Game:
    """A session of Ada and Ben, made by a host."""

    def __init__(self, url: str, **more: Any) -> None:
        people = [
            {"participant_id": one, "name": one, "total_time_ms": BANK_MS} for one in ("Ada", "Ben")
        ]
        body = {"sync_mode": "per_participant", "participants": people, **more}
        made = httpx.post(f"{url}/v1/sessions", json=body, headers=HOST).raise_for_status()
        self.id = str(made.json()["data"]["session_id"])
        self._address = f"{url}/v1/sessions/{self.id}"

    def token(self, role: str) -> str:
        """Return a token of Ada, Ben, a spectator or the host."""
        if role in ("Ada", "Ben"):
            return tokens.participant(self.id, role)
        return tokens.host() if role == "host" else tokens.spectator(self.id)

    def link(self, role: str) -> str:
        """Return the console's path with a token of that role."""
        return f"/?session={self.id}#token={self.token(role)}"

    def do(self, verb: str) -> None:
        """POST the verb as the host."""
        httpx.post(f"{self._address}/{verb}", headers=HOST).raise_for_status()


@pytest.fixture
def page(chromium: Browser, auth_service: Instance) -> Iterator[Page]:
    """A tab without a token of an earlier test."""
    with chromium.new_context(base_url=auth_service.url) as window:
        yield window.new_page()


@pytest.fixture
def open_as(page: Page) -> Callable[[Game, str], Console]:
    """Opens a session with a token of that role; the page is loaded once per session."""

    def open_link(game: Game, role: str) -> Console:
        page.goto(game.link(role), wait_until="commit")
        page.wait_for_url(f"/?session={game.id}", wait_until="commit")
        console = Console(page)
        expect(console.status).to_be_visible()
        return console

    return open_link


OpenAs = Callable[[Game, str], Console]


def shown(console: Console) -> set[str]:
    """Return the names of the visible buttons and links outside of the header."""
    return set(console.page.evaluate(_SHOWN))


def hints(console: Console) -> list[str]:
    """Return what the keys do that the page names."""
    visible = console.page.locator(".hints > :visible")
    return [text.split("\n")[-1] for text in visible.all_inner_texts()]


def test_each_role_sees_what_it_can_use(open_as: OpenAs, auth_service: Instance) -> None:
    game = Game(auth_service.url)
    assert shown(open_as(game, "host")) == {"Start"} | ALWAYS | STEPS
    assert shown(open_as(game, "Ada")) == set()
    game.do("start")
    assert shown(open_as(game, "host")) == {"Pause", "Switch"} | ALWAYS | STEPS | TURNS
    assert shown(open_as(game, "Ada")) == {"Switch"} | TURNS
    assert shown(open_as(game, "Ben")) == set()
    assert shown(open_as(game, "spectator")) == set()
    game.do("complete")
    assert shown(open_as(game, "host")) == {"New session", "Rematch"} | ALWAYS
    assert shown(open_as(game, "Ada")) == set()


def test_only_hosts_go_to_an_item_of_an_agenda(open_as: OpenAs, auth_service: Instance) -> None:
    game = Game(
        auth_service.url,
        sync_mode="global",
        participants=[{"participant_id": one} for one in ("Ada", "Ben")],
        items=[{"item_id": one, "duration_ms": 60_000} for one in ("Talk", "Vote")],
        metadata={"purpose": "meeting"},
    )
    game.do("start")
    assert shown(open_as(game, "host")) == {"Pause", "Next item", "Go to Vote"} | ALWAYS
    assert shown(open_as(game, "Ada")) == {"Next item"}
    assert shown(open_as(game, "Ben")) == set()
    assert shown(open_as(game, "spectator")) == set()


def test_only_hosts_bid_for_the_bidders_of_an_auction(
    open_as: OpenAs, auth_service: Instance
) -> None:
    game = Game(
        auth_service.url,
        sync_mode="global",
        participants=[{"participant_id": one, "name": one} for one in ("Ada", "Ben")],
        total_time_ms=BANK_MS,
        metadata={"purpose": "auction"},
    )
    game.do("start")
    assert shown(open_as(game, "host")) == {"Pause", "Ada", "Ben"} | ALWAYS
    assert shown(open_as(game, "Ada")) == set()
    assert shown(open_as(game, "spectator")) == set()


def test_a_player_of_a_quiz_answers_on_its_own_clock(
    open_as: OpenAs, auth_service: Instance
) -> None:
    game = Game(
        auth_service.url,
        sync_mode="individual",
        participants=[{"participant_id": one, "name": one} for one in ("Ada", "Ben")],
        total_time_ms=BANK_MS,
        rounds=True,
        metadata={"purpose": "quiz_answers", "questions": 5, "question": 3},
    )
    game.do("start")
    console = open_as(game, "Ada")
    expect(console.page.locator("main").get_by_role("heading")).to_have_text("Question 3 of 5")
    assert shown(console) == {"Answer"}
    console.page.get_by_role("button", name="Answer").click()
    expect(console.page.locator(".big-detail")).to_have_text("Answered")
    assert shown(console) == set()
    assert shown(open_as(game, "spectator")) == set()


def test_participants_see_what_the_session_lets_them_do(
    open_as: OpenAs, auth_service: Instance
) -> None:
    game = Game(auth_service.url, participants_may_pause=True, participants_may_give_ms=10_000)
    game.do("start")
    console = open_as(game, "Ben")
    assert shown(console) == {"Pause", "+10 s, add 10 seconds to Ada"}
    expect(console.clock("Ben").get_by_role("button")).to_have_count(0)
    console.page.keyboard.press("p")
    expect(console.status).to_have_text("paused")
    console.clock("Ada").get_by_role("button", name="Add 10 seconds").click()
    left_ms = float(console.time_of("Ada").get_attribute("data-remaining") or 0)
    assert shown(console) == {"Resume", "+10 s, add 10 seconds to Ada"}
    console.page.wait_for_function(
        "([time, left]) => Number(time.dataset.remaining) >= left + 9000",
        arg=[console.time_of("Ada").element_handle(), left_ms - 10_000],
    )
    console.primary.click()
    expect(console.status).to_have_text("running")


def test_the_member_of_a_team_gives_time_only_to_another_team(
    open_as: OpenAs, auth_service: Instance
) -> None:
    teams = {"Ada": "red", "Ben": "blue", "Cleo": "red"}
    people = [
        {"participant_id": one, "name": one, "group_id": team, "total_time_ms": BANK_MS}
        for one, team in teams.items()
    ]
    game = Game(
        auth_service.url,
        sync_mode="per_group",
        participants=people,
        participants_may_give_ms=600_000,
    )
    game.do("start")
    console = open_as(game, "Ada")
    members = {"Ada", "Ben", "Cleo"}
    assert shown(console) == {"Switch", "End the turn of Team 1", "Switch to Ben"} | members | {
        "+15 s, add 15 seconds to Ben"
    }
    expect(console.clock("Team 1").get_by_role("button", name="Add")).to_have_count(0)
    console = open_as(game, "spectator")
    assert shown(console) == set()
    expect(console.page.locator(".member")).to_have_text(["Ada", "Cleo", "Ben"])


def test_a_key_without_a_right_asks_the_service_for_nothing(
    open_as: OpenAs, auth_service: Instance
) -> None:
    game = Game(auth_service.url)
    game.do("start")
    for role, usable in {
        "host": ["next", "pause", "undo", "choose", "full screen"],
        "Ada": ["next", "choose", "full screen"],
        "spectator": ["full screen"],
    }.items():
        console = open_as(game, role)
        assert hints(console) == usable
    changes: list[str] = []
    console.page.on("request", lambda sent: changes.append(sent.method))
    for key in ("Space", "p", "u", "2"):
        console.page.keyboard.press(key)
    expect(console.page.get_by_role("dialog")).to_have_count(0)
    game.do("pause")
    expect(console.status).to_have_text("paused")
    assert set(changes) <= {"GET"}


def test_only_hosts_see_the_form(page: Page, auth_service: Instance) -> None:
    game = Game(auth_service.url)
    page.goto(f"/#token={game.token('Ada')}")
    expect(page.get_by_role("heading")).to_contain_text("allow this")
    expect(page.locator("main a, main button")).to_have_count(0)
    page.goto(f"/#token={game.token('host')}")
    expect(Console(page).submit).to_be_visible()


def test_a_host_shares_links_to_take_part_and_to_watch(
    open_as: OpenAs, auth_service: Instance, chromium: Browser
) -> None:
    game = Game(auth_service.url)
    game.do("start")
    host = open_as(game, "host")
    host.page.get_by_role("button", name="Share").click()
    with chromium.new_context() as phone:
        ada, spectator = (Console(phone.new_page()) for _ in range(2))
        ada.page.goto(link(host, "Take part as Ada"))
        spectator.page.goto(link(host, "Watch"))
        expect(ada.status).to_have_text("running")
        expect(spectator.status).to_have_text("running")
        assert shown(spectator) == set()
        for guest in (ada, spectator):
            expect(guest.page.get_by_role("button", name="Share")).to_have_count(0)
        ada.primary.click()
        for tab in (host, ada, spectator):
            expect(tab.active).to_have_text("Ben")


def link(console: Console, title: str) -> str:
    """Return the link of that title in the open *Share* dialog."""
    dialog = console.page.get_by_role("dialog")
    dialog.get_by_label("Link to").select_option(title)
    text = dialog.get_by_role("textbox", name="Link")
    expect(text).to_have_value(re.compile("#token="))
    return text.input_value()

"""Two tabs of one session show the same time through changes, a reload and a disconnection."""

import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import BrowserContext, expect

from infra.local.functions import LocalFunctions
from infra.local.instance import Instance
from tests.e2e import in_step
from tests.e2e.conftest import Opener
from tests.e2e.console import Console
from tests.e2e.problems import UNAVAILABLE, Problems

AGREEMENT_MS = 100
"""More than the tabs' own bounds of error: functions measure the store's clock in one round trip,
whose error clients don't know, and which may be long on a busy machine."""
MAX_BOUND_MS = 150
SHARED_CLOCK_MS = 3
OFFLINE_MS = 5_000
UNCHANGED_MS = (50, 700)
"""The range of an instant, after a change has been drawn in both tabs."""

_DOCS = Path(__file__).parents[2] / "docs"


@dataclass(frozen=True, slots=True)
class ServiceKind:
    """A kind of service and the transport that the console must use with it."""

    name: str
    url: str
    transport: str
    scheme: Literal["light", "dark"]


@pytest.fixture(params=["container", "functions"])
def kind(request: pytest.FixtureRequest) -> ServiceKind:
    """Each kind of service."""
    if request.param == "container":
        service: Instance = request.getfixturevalue("service")
        return ServiceKind("container", service.url, "WebSocket", "light")
    functions: LocalFunctions = request.getfixturevalue("functions")
    return ServiceKind("functions", functions.url, "Supabase Realtime", "dark")


class TwoTabGame:
    """A blitz game between Ada and Ben, open in two windows."""

    def __init__(self, kind: ServiceKind, tabs: tuple[Console, Console], session_id: str) -> None:
        self.tabs = tabs
        self.differences: list[tuple[str, float]] = []
        self._session = f"{kind.url}/v1/sessions/{session_id}"
        self._random = random.Random(20_261_125)

    @property
    def state(self) -> Any:
        """The session's state from the API."""
        return httpx.get(self._session).raise_for_status().json()["data"]

    def adjust(self, position: int, ms: int) -> None:
        """Set the clock of the participant at `position`."""
        participant_id = self.state["participants"][position]["participant_id"]
        body = {"total_time_ms": ms}
        url = f"{self._session}/participants/{participant_id}"
        httpx.patch(url, json=body).raise_for_status()

    def compare(self, when: str, times: int) -> None:
        """Compare both tabs at random instants after both have drawn the newest state."""
        in_step.wait_for_version(self.tabs, self.state["version"])
        in_step.wait_for_sync(self.tabs, MAX_BOUND_MS)
        start = max(in_step.now(tab) for tab in self.tabs)
        instants = [start + self._random.uniform(*UNCHANGED_MS) for _ in range(times)]
        limit_ms = AGREEMENT_MS + sum(map(in_step.bound_ms, self.tabs))
        shown = [in_step.frames_at(tab, instants) for tab in self.tabs]
        for one, other in zip(*shown, strict=True):
            assert one.version == other.version
            self.differences.append((when, in_step.difference(one, other)))
            assert self.differences[-1][1] < limit_ms, when


@pytest.fixture
def game(
    kind: ServiceKind,
    windows: tuple[BrowserContext, BrowserContext],
    open_page: Opener,
    open_in_second_window: Opener,
) -> TwoTabGame:
    """A pending game, open in both windows."""
    session_id = _create_session(kind)
    for window in windows:
        window.pages[0].emulate_media(color_scheme=kind.scheme)
    openers = (open_page, open_in_second_window)
    one, two = (opener(f"{kind.url}/?session={session_id}") for opener in openers)
    for tab in (one, two):
        in_step.record_frames(tab)
        expect(tab.sync("transport")).to_have_text(kind.transport)
        expect(tab.sync("bound")).to_contain_text("±")
    return TwoTabGame(kind, (one, two), session_id)


def _create_session(kind: ServiceKind) -> str:
    names = {str(uuid4()): name for name in ("Ada", "Ben")}
    body = {
        "sync_mode": "per_participant",
        "participants": [{"participant_id": pid, "total_time_ms": 180_000} for pid in names],
        "increment_ms": 2_000,
        "warn_at_ms": [20_000, 10_000],
        "action_on_timeout": {"type": "end_session", "winner_by": "time"},
        "metadata": {"title": "Blitz 3+2", "names": names},
    }
    answer = httpx.post(f"{kind.url}/v1/sessions", json=body).raise_for_status()
    return str(answer.json()["data"]["session_id"])


def test_two_tabs_show_the_same_time_throughout_a_game(
    kind: ServiceKind,
    game: TwoTabGame,
    windows: tuple[BrowserContext, BrowserContext],
    problems: Problems,
) -> None:
    one, two = game.tabs
    _assert_shared_clock(one, two)
    one.start()
    game.compare("started", 2)

    two.primary.click()
    game.compare("switched in the second tab", 2)
    one.primary.click()
    expect(one.active).to_have_text("Ada")
    one.primary.click()
    game.compare("switched twice in the first", 2)

    one.page.get_by_role("button", name="Pause").click()
    game.compare("paused", 1)
    two.page.get_by_role("button", name="Resume").click()
    game.compare("resumed", 2)

    two.page.reload(wait_until="commit")
    in_step.record_frames(two)
    game.compare("reloaded", 2)

    windows[1].set_offline(True)
    cut_off_at = in_step.now(one)
    game.compare("cut off", 2)
    one.primary.click()
    expect(one.active).to_have_text("Ada")
    one.page.wait_for_function(f"at => {in_step.NOW} > at", arg=cut_off_at + OFFLINE_MS)
    expect(two.active).to_have_text("Ben")
    windows[1].set_offline(False)
    game.compare("back again", 3)
    expect(two.connection).to_have_text("Live")
    expect(two.sync("transport")).to_have_text(kind.transport)
    game.compare("live again", 1)

    _save_screenshot(f"console-{kind.name}", one)
    if kind.scheme == "light":
        _save_screenshot("console", two)
    game.adjust(0, 6_000)
    game.compare("almost out of time", 2)
    for tab in game.tabs:
        expect(tab.clock("Ada")).to_contain_text("Flag fallen")
        expect(tab.clock("Ben")).to_contain_text("Wins on time")
    game.compare("flag fallen", 1)

    problems.ignore("ERR_INTERNET_DISCONNECTED")
    if kind.name == "functions":
        problems.ignore(UNAVAILABLE)
    _print_differences(kind, game.differences)
    assert len(game.differences) == 20


def _assert_shared_clock(one: Console, two: Console) -> None:
    """Assert that both tabs read the same clock; otherwise the comparison would be meaningless."""
    before, between, after = in_step.now(one), in_step.now(two), in_step.now(one)
    assert before - SHARED_CLOCK_MS <= between <= after + SHARED_CLOCK_MS


def _print_differences(kind: ServiceKind, differences: list[tuple[str, float]]) -> None:
    print(f"\n{kind.name}, by {kind.transport}: difference between two tabs, ms")
    for when, ms in differences:
        print(f"  {when:28} {ms:6.2f}")


def _save_screenshot(name: str, tab: Console) -> None:
    """Save a screenshot for the documentation if `SCREENSHOTS=1` is set."""
    if os.environ.get("SCREENSHOTS") == "1":
        expect(tab.page.locator(".trail-events li").nth(7)).to_be_visible()
        tab.page.mouse.move(0, 0)
        tab.page.screenshot(path=_DOCS / f"{name}.png")

"""How often the console asks for the audit trail, and how much of it it keeps; in virtual time."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from infra.local.instance import Instance
from tests.e2e.problems import Problems

PAGE = 100
SECOND = 1_000
MINUTE = 60 * SECOND

_TRAIL = """async () => {
  const { Trail } = await import("/console/trail.js");
  const state = { created_at: "2026-01-01T00:00:00.000Z", version: 0 };
  const asked = [];
  const trail = new Trail(async (after, limit) => {
    asked.push({ at: performance.now(), after, limit });
    if (window.failure) throw window.failure;
    const length = Math.max(0, Math.min(limit, state.version - after));
    return { events: Array.from({ length }, (_, n) => ({ version: after + 1 + n })) };
  });
  const change = (times) => {
    for (let n = 0; n < times; n++) trail.follow({ ...state, version: ++state.version });
  };
  Object.assign(window, { trail, asked, change });
}"""


class Trail:
    """The trail of a session in which only numbers of versions happen."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.evaluate(_TRAIL)

    def change(self, times: int = 1) -> None:
        """Let the page hear of so many changes."""
        self.page.evaluate("times => window.change(times)", times)

    def wait(self, ms: int) -> None:
        """Let time pass, in short steps as it does."""
        self.page.clock.run_for(ms)

    def fail(self, status: int) -> None:
        """Let every question be answered so from now on."""
        self.page.evaluate("status => { window.failure = { status, message: 'No' } }", status)

    @property
    def versions(self) -> list[int]:
        """What the page has."""
        return list(self.page.evaluate("window.trail.events.map(event => event.version)"))

    @property
    def asked(self) -> list[dict[str, Any]]:
        """Every question so far."""
        return list(self.page.evaluate("window.asked"))

    @property
    def gaps(self) -> list[float]:
        """The time between each two questions, ms."""
        return [later["at"] - earlier["at"] for earlier, later in pairwise(self.asked)]

    @property
    def status(self) -> str:
        """What the page says of it."""
        return str(self.page.evaluate("window.trail.status"))


@pytest.fixture
def trail(chromium: Browser, service: Instance, problems: Problems) -> Iterator[Trail]:
    """A trail in a page whose time is ours."""
    with chromium.new_context() as window:
        page = window.new_page()
        problems.watch(page)
        page.clock.install()
        page.goto(service.url)
        yield Trail(page)


def test_many_changes_are_one_question(trail: Trail) -> None:
    trail.change(50)
    trail.wait(SECOND)
    assert len(trail.asked) == 1
    assert trail.versions == list(range(1, 51))


def test_it_is_asked_once_a_second_and_less_often_where_changes_do_not_stop(trail: Trail) -> None:
    for _ in range(300):
        trail.change()
        trail.wait(200)
    assert min(trail.gaps[:5]) >= SECOND
    assert max(trail.gaps[:5]) < 2 * SECOND
    assert min(trail.gaps[5:]) >= 4 * SECOND
    assert len(trail.asked) <= 20


def test_it_is_not_asked_when_nothing_changes(trail: Trail) -> None:
    trail.change()
    trail.wait(10 * MINUTE)
    assert len(trail.asked) == 1


def test_a_long_session_begins_with_its_newest_page(trail: Trail) -> None:
    trail.change(1_000)
    trail.wait(SECOND)
    assert trail.versions == list(range(901, 1_001))


def test_one_who_is_a_page_behind_begins_anew_without_a_gap(trail: Trail) -> None:
    trail.change(10)
    trail.wait(SECOND)
    trail.change(250)
    trail.wait(2 * SECOND)
    assert trail.versions == list(range(161, 261))


def test_a_page_that_stays_open_forgets_what_is_old(trail: Trail) -> None:
    for _ in range(12):
        trail.change(90)
        trail.wait(MINUTE)
        assert len(trail.versions) <= 400
    assert trail.versions == list(range(trail.versions[0], 1_081))
    assert len(trail.versions) >= 300


def test_what_somebody_asked_for_is_kept(trail: Trail) -> None:
    trail.change(1_000)
    trail.wait(SECOND)
    for _ in range(4):
        trail.page.evaluate("window.trail.earlier()")
    trail.change(50)
    trail.wait(SECOND)
    assert trail.versions == list(range(501, 1_051))


def test_who_may_not_see_it_asks_once(trail: Trail) -> None:
    trail.fail(403)
    for _ in range(10):
        trail.change()
        trail.wait(MINUTE)
    assert len(trail.asked) == 1
    assert trail.status == "forbidden"


def test_a_trail_that_is_away_is_asked_ever_less_often(trail: Trail) -> None:
    trail.fail(503)
    trail.change()
    for _ in range(60):
        trail.wait(10 * SECOND)
    assert trail.status == "away"
    assert [round(gap / SECOND) for gap in trail.gaps[:6]] == [15, 30, 60, 120, 120, 120]
    trail.page.evaluate("() => { window.failure = null }")
    trail.wait(2 * MINUTE)
    assert trail.status == "ready"
    assert trail.versions == [1]

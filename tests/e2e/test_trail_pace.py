"""The console limits its requests for the audit trail and the events it keeps; in virtual time."""

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
  const requests = [];
  const trail = new Trail(async (after, limit) => {
    requests.push({ at: performance.now(), after, limit });
    if (window.failure) throw window.failure;
    const length = Math.max(0, Math.min(limit, state.version - after));
    return { events: Array.from({ length }, (_, n) => ({ version: after + 1 + n })) };
  });
  const change = (times) => {
    for (let n = 0; n < times; n++) trail.loadUpTo({ ...state, version: ++state.version });
  };
  Object.assign(window, { trail, requests, change });
}"""


class Trail:
    """The console's trail of a made-up session whose events have only a version."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.evaluate(_TRAIL)

    def change(self, times: int = 1) -> None:
        """Tell the page of `times` changes."""
        self.page.evaluate("times => window.change(times)", times)

    def wait(self, ms: int) -> None:
        """Advance the virtual time, firing all timers on the way."""
        self.page.clock.run_for(ms)

    def fail(self, status: int) -> None:
        """Let every request fail with `status` from now on."""
        self.page.evaluate("status => { window.failure = { status, message: 'No' } }", status)

    @property
    def versions(self) -> list[int]:
        """The versions of the events that the page keeps."""
        return list(self.page.evaluate("window.trail.events.map(event => event.version)"))

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Every request so far."""
        return list(self.page.evaluate("window.requests"))

    @property
    def gaps(self) -> list[float]:
        """The times between consecutive requests, ms."""
        return [later["at"] - earlier["at"] for earlier, later in pairwise(self.requests)]

    @property
    def status(self) -> str:
        """The trail's status in the page."""
        return str(self.page.evaluate("window.trail.status"))


@pytest.fixture
def trail(chromium: Browser, service: Instance, problems: Problems) -> Iterator[Trail]:
    """A trail in a page with virtual time."""
    with chromium.new_context() as window:
        page = window.new_page()
        problems.watch(page)
        page.clock.install()
        page.goto(service.url)
        yield Trail(page)


def test_many_changes_cause_one_request(trail: Trail) -> None:
    trail.change(50)
    trail.wait(SECOND)
    assert len(trail.requests) == 1
    assert trail.versions == list(range(1, 51))


def test_requests_come_once_a_second_and_less_often_while_changes_continue(trail: Trail) -> None:
    for _ in range(300):
        trail.change()
        trail.wait(200)
    assert min(trail.gaps[:5]) >= SECOND - 1  # the page rounds both instants to whole ms
    assert max(trail.gaps[:5]) < 2 * SECOND
    assert min(trail.gaps[5:]) >= 4 * SECOND
    assert len(trail.requests) <= 20


def test_no_requests_come_while_nothing_changes(trail: Trail) -> None:
    trail.change()
    trail.wait(10 * MINUTE)
    assert len(trail.requests) == 1


def test_the_newest_page_of_a_long_session_is_loaded_first(trail: Trail) -> None:
    trail.change(1_000)
    trail.wait(SECOND)
    assert trail.versions == list(range(901, 1_001))


def test_a_trail_more_than_a_page_behind_starts_over_without_a_gap(trail: Trail) -> None:
    trail.change(10)
    trail.wait(SECOND)
    trail.change(250)
    trail.wait(2 * SECOND)
    assert trail.versions == list(range(161, 261))


def test_an_open_page_drops_old_events(trail: Trail) -> None:
    for _ in range(12):
        trail.change(90)
        trail.wait(MINUTE)
        assert len(trail.versions) <= 400
    assert trail.versions == list(range(trail.versions[0], 1_081))
    assert len(trail.versions) >= 300


def test_older_events_loaded_on_request_are_kept(trail: Trail) -> None:
    trail.change(1_000)
    trail.wait(SECOND)
    for _ in range(4):
        trail.page.evaluate("window.trail.loadEarlier()")
    trail.change(50)
    trail.wait(SECOND)
    assert trail.versions == list(range(501, 1_051))


def test_a_forbidden_trail_is_requested_once(trail: Trail) -> None:
    trail.fail(403)
    for _ in range(10):
        trail.change()
        trail.wait(MINUTE)
    assert len(trail.requests) == 1
    assert trail.status == "forbidden"


def test_an_unavailable_trail_is_requested_with_growing_delays(trail: Trail) -> None:
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

"""The page draws when its display changes, and not on each frame."""

from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import Opener

_FRAME_MS = 16
_LONGEST_WAIT_MS = 100
_KEEP_DRAWN = """async (wait) => {
  const { keepDrawn } = await import("/clients/js/drawing.js");
  window.drawnAt = [];
  window.drawing = keepDrawn(() => {
    window.drawnAt.push(performance.now());
    return wait ?? Infinity;
  });
}"""
_DRAW_FACE = """async ({ readings, isUpward }) => {
  const { clockFace } = await import("/console/clock-face.js");
  const face = clockFace({});
  const model = { key: "a", name: "Ada", detail: "", isActive: true, isUpward };
  Object.assign(model, { read: (at) => at, readLeft: () => null, hasFallen: () => false });
  face.update(model, { status: "running" }, { gift: () => 0 });
  return readings.map((ms) => {
    const { untilChange } = face.draw(ms);
    return [face.element.querySelector(".face-time").textContent, untilChange];
  });
}"""


@pytest.fixture
def page(open_in_new_window: Opener) -> Page:
    """A page of the service, whose time is virtual."""
    page = open_in_new_window("/api-docs").page
    page.clock.install()
    page.clock.pause_at(1_900_000_000)
    return page


@pytest.mark.parametrize("wait", [None, 40])
def test_draws_are_as_far_apart_as_asked_and_at_most_100_ms(page: Page, wait: int | None) -> None:
    page.evaluate(_KEEP_DRAWN, wait)
    page.clock.run_for(1_000)
    gaps = [later - earlier for earlier, later in pairwise(page.evaluate("drawnAt"))]
    asked = wait or _LONGEST_WAIT_MS
    assert len(gaps) > 5
    assert all(asked <= gap <= asked + _FRAME_MS for gap in gaps)


def test_a_new_state_is_drawn_at_once(page: Page) -> None:
    page.evaluate(_KEEP_DRAWN)
    assert len(page.evaluate("drawnAt")) == 1
    page.evaluate("drawing.redraw()")
    assert len(page.evaluate("drawnAt")) == 2


def test_a_stopped_page_is_not_drawn_again(page: Page) -> None:
    page.evaluate(_KEEP_DRAWN)
    page.evaluate("drawing.stop()")
    page.clock.run_for(1_000)
    assert len(page.evaluate("drawnAt")) == 1


@pytest.mark.parametrize(
    ("readings", "is_upward", "drawn"),
    [
        ([65_000, 64_700], False, [["1:05", 1_000], ["1:05", 700]]),
        ([19_950, 19_930], False, [["0:20.0", 50], ["0:20.0", 30]]),
        ([500, 500], False, [["0:00.5", 100], ["0:00.5", None]]),
        ([-1_000, -1_300], False, [["-0:01", 1_000], ["-0:01", 700]]),
        ([30_010, 30_030], True, [["0:30.0", 90], ["0:30.0", 70]]),
    ],
)
def test_a_clock_says_when_its_text_changes(
    open_page: Opener, readings: list[int], is_upward: bool, drawn: list[list[Any]]
) -> None:
    page = open_page("/api-docs").page
    arguments = {"readings": readings, "isUpward": is_upward}
    shown = [
        [text, wait if wait != float("inf") else None]
        for text, wait in page.evaluate(_DRAW_FACE, arguments)
    ]
    assert shown == drawn

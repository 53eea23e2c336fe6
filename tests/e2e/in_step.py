"""Whether tabs show the same time: what each drew, frame by frame, and a comparison at instants."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.e2e.console import Console

NOW = "performance.timeOrigin + performance.now()"
"""The time of a tab, ms since the epoch."""
_FRAMES_KEPT = 3_000

_RECORDER = f"""() => {{
window.drawn = [];
new MutationObserver(() => {{
  const left = {{}};
  for (const face of document.querySelectorAll(".face")) {{
    left[face.dataset.key] = Number(face.querySelector(".face-time").dataset.remaining);
  }}
  const version = Number(document.querySelector("[data-sync=version]")?.textContent);
  window.drawn.push({{ at: {NOW}, version, left }});
  if (window.drawn.length > {_FRAMES_KEPT}) window.drawn.shift();
}}).observe(document, {{
  subtree: true, attributes: true, attributeFilter: ["data-remaining"],
}});
}}"""
"""Notes, as soon as clocks have been drawn, when that was and from what."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as drawn: `at` in ms since the epoch, `left` in ms by clock."""

    at: float
    version: int
    left: dict[str, float]


def record(tab: Console) -> None:
    """Begin to note what the tab draws, until it is reloaded."""
    tab.page.evaluate(_RECORDER)


def now(tab: Console) -> float:
    """The tab's own time, ms since the epoch; tabs of one machine have it from one clock."""
    return float(tab.page.evaluate(NOW))


def wait_for_version(tabs: Sequence[Console], version: int) -> None:
    """Return when every tab has drawn that version, or a later one."""
    for tab in tabs:
        tab.page.wait_for_function("v => window.drawn?.at(-1)?.version >= v", arg=version)


def wait_for_sync(tabs: Sequence[Console], most_ms: float) -> None:
    """Return when every tab says that its clock is off by no more than that."""
    said = "Number(document.querySelector('[data-sync=bound]').textContent.match(/[\\d.]+/))"
    for tab in tabs:
        tab.page.wait_for_function(f"most => {said} > 0 && {said} <= most", arg=most_ms)


def shown_at(tab: Console, instants: Sequence[float]) -> list[Frame]:
    """What the tab showed at instants, each between two frames that it drew; waits for the last.

    A clock that runs is drawn from a straight line, so between two frames it is exact.
    """
    tab.page.wait_for_function("at => window.drawn.at(-1).at > at", arg=max(instants))
    frames = [_frame(drawn) for drawn in tab.page.evaluate("window.drawn")]
    return [_between(frames, at) for at in instants]


def difference(one: Frame, other: Frame) -> float:
    """The most by which the two tabs differ on any clock, ms; they have the same clocks."""
    assert one.left.keys() == other.left.keys()
    assert one.left
    return max(abs(left - other.left[key]) for key, left in one.left.items())


def _frame(drawn: Any) -> Frame:
    return Frame(drawn["at"], drawn["version"], drawn["left"])


def _between(frames: Sequence[Frame], at: float) -> Frame:
    after = bisect_right(frames, at, key=lambda frame: frame.at)
    assert 0 < after < len(frames), "drawn neither before nor after that"
    early, late = frames[after - 1], frames[after]
    assert early.version == late.version, "an instant was chosen while something changed"
    part = (at - early.at) / (late.at - early.at)
    left = {key: ms + part * (late.left[key] - ms) for key, ms in early.left.items()}
    return Frame(at, early.version, left)

"""Record the frames that tabs draw, and compare the times shown at chosen instants."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.e2e.console import Console

NOW = "performance.timeOrigin + performance.now()"
"""JavaScript expression for a tab's time, ms since the epoch."""
_FRAMES_KEPT = 3_000
_BOUND = "Number(document.querySelector('[data-sync=bound]').textContent.match(/[\\d.]+/))"

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
"""Records the time, version and remaining times of each frame as soon as clocks are drawn."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One drawn frame: `at` in ms since the epoch, `left` in ms per clock."""

    at: float
    version: int
    left: dict[str, float]


def record_frames(tab: Console) -> None:
    """Start recording the tab's frames; a reload stops it."""
    tab.page.evaluate(_RECORDER)


def now(tab: Console) -> float:
    """Return the tab's time, ms since the epoch; tabs on one machine share one clock."""
    return float(tab.page.evaluate(NOW))


def wait_for_version(tabs: Sequence[Console], version: int) -> None:
    """Return when every tab has drawn `version` or a later one."""
    for tab in tabs:
        tab.page.wait_for_function("v => window.drawn?.at(-1)?.version >= v", arg=version)


def wait_for_sync(tabs: Sequence[Console], limit_ms: float) -> None:
    """Return when every tab shows an error bound of at most `limit_ms` for its clock."""
    is_synced = f"limit => {_BOUND} > 0 && {_BOUND} <= limit"
    for tab in tabs:
        tab.page.wait_for_function(is_synced, arg=limit_ms)


def bound_ms(tab: Console) -> float:
    """Return the error bound that the tab shows for its clock."""
    return float(tab.page.evaluate(_BOUND))


def frames_at(tab: Console, instants: Sequence[float]) -> list[Frame]:
    """Wait for the last instant and return the interpolated frame at each of `instants`.

    A running clock is linear in time, so the interpolation between two drawn frames is exact.
    """
    tab.page.wait_for_function("at => window.drawn.at(-1).at > at", arg=max(instants))
    frames = [_frame(drawn) for drawn in tab.page.evaluate("window.drawn")]
    return [_interpolated_at(frames, at) for at in instants]


def difference(one: Frame, other: Frame) -> float:
    """Return the largest difference of any clock in ms; assert that both have the same clocks."""
    assert one.left.keys() == other.left.keys()
    assert one.left
    return max(abs(left - other.left[key]) for key, left in one.left.items())


def _frame(drawn: Any) -> Frame:
    return Frame(drawn["at"], drawn["version"], drawn["left"])


def _interpolated_at(frames: Sequence[Frame], at: float) -> Frame:
    after = bisect_right(frames, at, key=lambda frame: frame.at)
    assert 0 < after < len(frames), "no frame was drawn before or after the instant"
    early, late = frames[after - 1], frames[after]
    assert early.version == late.version, "the session changed around the instant"
    part = (at - early.at) / (late.at - early.at)
    left = {key: ms + part * (late.left[key] - ms) for key, ms in early.left.items()}
    return Frame(at, early.version, left)

"""Page object for the console."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from playwright.sync_api import Locator, Page, expect

_MOVED = "([clock, began]) => Math.abs(Number(clock.dataset.remaining) - began) > 100"
_RECORD = """key => {
  const time = document.querySelector(`[data-key="${key}"] .face-time`);
  window.drawn = [];
  new MutationObserver(() => window.drawn.push([Date.now(), Number(time.dataset.remaining)]))
    .observe(time, { attributes: true, attributeFilter: ["data-remaining"] });
}"""


_BARS = """bars => bars.map(bar => {
  const width = part => part.width.baseVal.value;
  return {
    label: bar.getAttribute("aria-label"),
    before: width(bar.querySelector(".before")),
    turns: Array.from(bar.querySelectorAll(".turn"), width),
    rest: width(bar.querySelector(".rest")),
  };
})"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the time usage chart; lengths in ms."""

    label: str
    before: float
    turns: list[float]
    rest: float

    @property
    def length(self) -> float:
        """The bar's total length."""
        return self.before + sum(self.turns) + self.rest


class Console:
    """The console in one tab."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def clocks(self) -> Locator:
        """All clocks."""
        return self.page.locator(".face")

    def clock(self, name: str) -> Locator:
        """The clock named `name`."""
        return self.clocks.filter(has=self.page.get_by_role("heading", name=name, exact=True))

    def time_of(self, name: str) -> Locator:
        """The time shown on the clock named `name`."""
        return self.clock(name).locator(".face-time")

    @property
    def active(self) -> Locator:
        """The name on the active clock."""
        return self.page.locator(".face[data-active] .face-name")

    @property
    def status(self) -> Locator:
        """The session's status in the title line."""
        return self.page.locator("#title .pill")

    @property
    def primary(self) -> Locator:
        """The main button (`#primary`)."""
        return self.page.locator("#primary")

    def field(self, label: str) -> Locator:
        """The form field labelled `label`."""
        return self.page.get_by_label(label, exact=True)

    def sync(self, name: str) -> Locator:
        """A synchronisation figure in the status bar."""
        return self.page.locator(f"[data-sync={name}]")

    @property
    def connection(self) -> Locator:
        """The connection status."""
        return self.page.locator(".connection")

    @property
    def events(self) -> Locator:
        """The descriptions of the events, newest first."""
        return self.page.locator(".event-text")

    @property
    def bars(self) -> list["Bar"]:
        """The bars of the time usage chart."""
        return [Bar(**bar) for bar in self.page.locator(".usage-bar").evaluate_all(_BARS)]

    @property
    def submit(self) -> Locator:
        """The form's submit button."""
        return self.page.get_by_role("button", name="Create session")

    def create(self, mode: str = "per_participant", **fields: str) -> None:
        """Create a session from a mode's first preset, with `fields` changed."""
        self.page.locator(f"input[value={mode}]").check(force=True)
        for label, value in fields.items():
            self.field(label.replace("_", " ").capitalize()).fill(value)
        self.submit.click()
        expect(self.status).to_have_text("pending")

    def start(self) -> None:
        """Start the session."""
        self.primary.click()
        expect(self.status).to_have_text("running")

    def remaining(self, name: str) -> float:
        """The remaining time in ms from which the clock was last drawn."""
        return float(self.time_of(name).get_attribute("data-remaining") or "nan")

    def expect_remaining(self, name: str, ms: int) -> None:
        """Expect that the clock is drawn from exactly `ms`, now or soon."""
        expect(self.time_of(name)).to_have_attribute("data-remaining", f"{ms}.0")

    @property
    def session_id(self) -> str:
        """The session id in the page's URL."""
        return self.page.url.rpartition("=")[2]

    def wait_until_running(self, name: str) -> None:
        """Return when the clock has moved by 100 ms."""
        clock = self.time_of(name).element_handle()
        began = self.remaining(name)
        self.page.wait_for_function(_MOVED, arg=[clock, began])


def deadlines(tabs: Sequence[Console], name: str, frames: int = 15) -> list[float]:
    """Return when the clock will reach zero according to each tab, in ms since the epoch.

    All tabs are sampled over the same period; each sample is taken as the clock is drawn.
    """
    for tab in tabs:
        key = tab.clock(name).get_attribute("data-key")
        tab.page.evaluate(_RECORD, key)
    for tab in tabs:
        tab.page.wait_for_function("n => window.drawn.length >= n", arg=frames)
    drawn = [tab.page.evaluate("window.drawn") for tab in tabs]
    return [median(wall + left for wall, left in samples) for samples in drawn]

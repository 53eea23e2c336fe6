"""The console as a person uses it."""

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
    """One bar of the picture; lengths in ms."""

    label: str
    before: float
    turns: list[float]
    rest: float

    @property
    def length(self) -> float:
        """The whole."""
        return self.before + sum(self.turns) + self.rest


class Console:
    """One tab."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def faces(self) -> Locator:
        """All clocks."""
        return self.page.locator(".face")

    def face(self, name: str) -> Locator:
        """The clock of that name."""
        return self.faces.filter(has=self.page.get_by_role("heading", name=name, exact=True))

    def time_of(self, name: str) -> Locator:
        """What that clock shows."""
        return self.face(name).locator(".face-time")

    @property
    def active(self) -> Locator:
        """The name on the clock that matters now."""
        return self.page.locator(".face[data-active] .face-name")

    @property
    def status(self) -> Locator:
        """The session's status in the title line."""
        return self.page.locator(".pill")

    @property
    def primary(self) -> Locator:
        """The big button."""
        return self.page.locator("#primary")

    def field(self, label: str) -> Locator:
        """A field of the form."""
        return self.page.get_by_label(label, exact=True)

    def sync(self, name: str) -> Locator:
        """A figure of the status bar."""
        return self.page.locator(f"[data-sync={name}]")

    @property
    def connection(self) -> Locator:
        """How the page is connected."""
        return self.page.locator(".connection")

    @property
    def events(self) -> Locator:
        """What happened, in words, newest first."""
        return self.page.locator(".event-words")

    @property
    def bars(self) -> list["Bar"]:
        """Everybody's time used so far."""
        return [Bar(**bar) for bar in self.page.locator(".usage-bar").evaluate_all(_BARS)]

    @property
    def submit(self) -> Locator:
        """The form's button."""
        return self.page.get_by_role("button", name="Create session")

    def create(self, mode: str = "per_participant", **fields: str) -> None:
        """Create a session of a mode's first preset, with some fields filled otherwise."""
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
        """What that clock was last drawn from, ms."""
        return float(self.time_of(name).get_attribute("data-remaining") or "nan")

    def expect_remaining(self, name: str, ms: int) -> None:
        """That clock is drawn, or will be at once, from exactly that."""
        expect(self.time_of(name)).to_have_attribute("data-remaining", f"{ms}.0")

    @property
    def session_id(self) -> str:
        """The session that the address names."""
        return self.page.url.rpartition("=")[2]

    def wait_until_running(self, name: str) -> None:
        """Return when that clock has moved by a tenth of a second."""
        clock = self.time_of(name).element_handle()
        began = self.remaining(name)
        self.page.wait_for_function(_MOVED, arg=[clock, began])


def deadlines(tabs: Sequence[Console], name: str, frames: int = 15) -> list[float]:
    """When that clock will reach zero according to each tab, by the machine's wall clock.

    All tabs are sampled over the same frames; each sample is taken as the clock is drawn.
    """
    for tab in tabs:
        key = tab.face(name).get_attribute("data-key")
        tab.page.evaluate(_RECORD, key)
    for tab in tabs:
        tab.page.wait_for_function("n => window.drawn.length >= n", arg=frames)
    drawn = [tab.page.evaluate("window.drawn") for tab in tabs]
    return [median(wall + left for wall, left in samples) for samples in drawn]

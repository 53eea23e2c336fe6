"""Text is readable in both colour schemes (WCAG 2.2, success criterion 1.4.3) and on a phone."""

from typing import Literal

from playwright.sync_api import expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.console import Console
from tests.e2e.stories import ApiSession, create_session

READABLE = 4.5
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

_COLOURS = """nodes => nodes.map(node => {
  const rgb = css => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1);
    return Array.from(canvas.getImageData(0, 0, 1, 1).data);
  };
  let behind = node;
  while (rgb(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
  return [rgb(getComputedStyle(node).color), rgb(getComputedStyle(behind).backgroundColor)];
})"""


def luminance(rgba: list[int]) -> float:
    """Return the relative luminance of a colour (WCAG 2.2)."""
    channels = [c / 255 for c in rgba[:3]]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrasts(console: Console, selector: str) -> list[float]:
    """Return the contrast ratio of each matching text to its background."""
    pairs = console.page.locator(selector).evaluate_all(_COLOURS)
    found = []
    for pair in pairs:
        light, dark = sorted(map(luminance, pair), reverse=True)
        found.append((light + 0.05) / (dark + 0.05))
    return found


def in_both(console: Console, selector: str) -> list[float]:
    """Return `contrasts` in the light and the dark scheme."""
    found = []
    for scheme in SCHEMES:
        console.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += contrasts(console, selector)
    return found


def test_clocks_are_readable_in_every_state(open_page: Opener) -> None:
    console = open_page()
    console.create(time_on_each_clock="0:02", added_per_turn="0", warn_when_this_is_left="0:01")
    seen = in_both(console, ".face-time, .face-name")
    console.start()
    seen += in_both(console, ".face-time, .face-detail")
    expect(console.clock("Ada")).to_have_attribute("data-low", "")
    seen += in_both(console, "[data-low] .face-time")
    expect(console.clock("Ada")).to_have_attribute("data-fallen", "")
    seen += in_both(console, ".face-time, .face-note:not(:empty)")
    seen += in_both(console, ".connection, dt, dd, .pill, .top-mode")
    expect(console.events).to_have_count(3)
    seen += in_both(console, ".history summary, .history h2, .usage-name, .usage-time, .usage-axis")
    seen += in_both(console, ".event-text, .event-facts")
    assert len(seen) > 70
    assert min(seen) >= READABLE


def test_an_exam_is_readable_in_every_state(open_page: Opener, service: Instance) -> None:
    people = [{"participant_id": f"c{n}", "extra_ms": 60_000 * (n < 4)} for n in range(8)]
    body = {"sync_mode": "individual", "total_time_ms": 600_000, "participants": people}
    more = {"grace_ms": 60_000, "warn_at_ms": [300_000], "metadata": {"purpose": "exam"}}
    session = ApiSession(service.url, body | more)
    console = open_page(session.path)
    big = ".big-label, .big-time, .big-note:not(:empty), .big-detail:not(:empty)"
    rows = ".run-name, .run-extra, .run-time, .run-step:not([hidden]), .run-heading *, .chip *"
    expect(console.page.locator(".run")).to_have_count(8)
    seen = in_both(console, f"{big}, {rows}")
    session.do("start", "participants/c0/finish", "participants/c1/pause")
    for position, ms in ((2, 1000), (3, 250_000)):
        session.adjust(position, ms, "correction")
    expect(console.page.locator(".run[data-state=overdue]")).to_have_count(1)
    seen += in_both(console, f"{big}, {rows}, .run-detail:not(:empty)")
    for position in range(4, 8):
        session.adjust(position, 250_000, "correction")
    expect(console.page.locator(".big-clock")).to_have_attribute("data-tone", "low")
    seen += in_both(console, f"{big}, {rows}")
    assert len(seen) > 200
    assert min(seen) >= READABLE


def test_the_form_is_readable(open_page: Opener) -> None:
    console = open_page()
    expect(console.submit).to_be_visible()
    seen = in_both(console, "h1, .lead, legend, label, .field-hint, .mode-sentence")
    assert min(seen) >= READABLE


def test_the_chosen_colours_are_remembered(open_in_new_window: Opener) -> None:
    console = open_in_new_window()
    console.page.emulate_media(color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = console.page.evaluate(background)
    console.page.get_by_role("button", name="Switch to dark colours").click()
    dark = console.page.evaluate(background)
    assert dark != light
    console.page.reload()
    for page in (console.page, open_in_new_window().page):
        expect(page.get_by_role("button", name="Switch to light colours")).to_be_visible()
        assert page.evaluate(background) == dark


def test_a_phone_shows_both_clocks_without_scrolling(open_page: Opener) -> None:
    console = open_page()
    console.page.set_viewport_size({"width": 390, "height": 844})
    console.create()
    console.start()
    for name in ("Ada", "Ben"):
        box = console.time_of(name).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["height"] > 80
    assert console.page.evaluate("document.documentElement.scrollHeight") <= 844
    assert console.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_system_s_own_colours_still_show_which_clock_runs(
    open_page: Opener, service: Instance
) -> None:
    session = create_session(service.url)
    session.do("start")
    console = open_page(session.path)
    expect(console.status).to_have_text("running")
    page = console.page
    page.emulate_media(forced_colors="active")
    background = "node => getComputedStyle(node).backgroundColor"
    ada, ben = (console.clock(name).evaluate(background) for name in ("Ada", "Ben"))
    page.emulate_media(forced_colors="none")
    assert ada != ben


def test_text_is_readable_in_the_system_s_own_colours(open_page: Opener, service: Instance) -> None:
    session = create_session(service.url)
    session.do("start")
    seen: list[float] = []
    for path, texts in (
        ("/", "h1, .lead, legend, label, .primary, .chip, .mode-name"),
        (session.path, ".face-time, .face-name, .face-detail, .adjust, .controls button"),
        (f"/board?session={session.id}", ".tile-time, .tile-name, .tile-title a, .top button"),
        (f"/embed?session={session.id}", ".tile-time, .tile-name"),
    ):
        console = open_page(path)
        console.page.emulate_media(forced_colors="active")
        expect(console.page.locator(texts).first).to_be_visible()
        expect(console.page.locator(".lead, [role=timer]").first).to_be_visible()
        seen += contrasts(console, texts)
        console.page.emulate_media(forced_colors="none")
    assert len(seen) > 30
    assert min(seen) >= READABLE

"""Warnings reach people by colour, words, vibration and sound, each as they have chosen."""

from playwright.sync_api import expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.stories import create_session

WARNED_MS, BANK_MS = 60_000, 61_000
_RECORD = """() => {
  window.vibrations = [];
  const vibrate = navigator.vibrate.bind(navigator);
  navigator.vibrate = pattern => window.vibrations.push(pattern.length) && vibrate(pattern);
  window.tones = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (at) { window.tones++; start.call(this, at); };
}"""


def test_a_warning_is_given_in_each_way_that_is_switched_on(
    open_in_new_window: Opener, service: Instance
) -> None:
    people = [
        {"participant_id": one, "name": one, "total_time_ms": BANK_MS} for one in ("Ada", "Ben")
    ]
    session = create_session(
        service.url,
        participants=people,
        warn_at_ms=[WARNED_MS],
        increment_ms=0,
        action_on_timeout={"type": "end_session", "winner_by": "time"},
    )
    console = open_in_new_window(session.path)
    page = console.page
    page.emulate_media(reduced_motion="reduce")
    page.evaluate(_RECORD)
    background = "node => getComputedStyle(node).backgroundColor"
    page.get_by_role("button", name="Alerts").click()
    for name, is_on in {"Colour": True, "Screen reader": True, "Sound": False}.items():
        expect(page.get_by_role("checkbox", name=name)).to_be_checked(checked=is_on)
    page.get_by_role("checkbox", name="Colour").uncheck()
    page.get_by_role("checkbox", name="Vibration").check()
    page.get_by_role("checkbox", name="Sound").check()
    page.wait_for_function("window.tones === 1")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    console.start()
    usual = console.clock("Ada").evaluate(background)
    expect(page.locator("#announcer")).to_have_text("Ada: 1 minute left.")
    expect(console.clock("Ada").locator(".face-note")).to_have_text("Under 1:00")
    assert console.clock("Ada").evaluate(background) == usual
    session.adjust(0, 1_000, "to the end")
    expect(console.clock("Ada").locator(".face-note")).to_have_text("Flag fallen")
    page.wait_for_function("window.vibrations.length === 2")
    assert page.evaluate("window.vibrations") == [1, 5]
    page.wait_for_function("window.tones === 5")
    page.reload()
    page.get_by_role("button", name="Alerts").click()
    expect(page.get_by_role("checkbox", name="Colour")).not_to_be_checked()
    expect(page.get_by_role("checkbox", name="Vibration")).to_be_checked()

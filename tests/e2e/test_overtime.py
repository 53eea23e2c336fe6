"""The clocks of time controls with overtime."""

import re
from uuid import uuid4

from playwright.sync_api import expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.stories import ApiSession, create_session


def with_overtime(url: str, bank_ms: int, overtime: dict[str, int]) -> ApiSession:
    """Create a pending session of Ada and Ben with that overtime."""
    ids = [str(uuid4()) for _ in range(2)]
    people = [{"participant_id": one, "total_time_ms": bank_ms} for one in ids]
    return create_session(
        url,
        participants=people,
        metadata={"names": dict(zip(ids, ("Ada", "Ben"), strict=True))},
        time_control={"overtime": overtime},
    )


def test_in_overtime_the_periods_left_are_shown_and_listed_in_the_history(
    open_page: Opener, service: Instance
) -> None:
    session = with_overtime(service.url, 1_000, {"period_ms": 3_000, "periods": 3})
    console = open_page(session.path)
    ada = console.clock("Ada").locator(".face-overtime")
    expect(ada).to_be_hidden()
    console.start()
    for left in ("3 periods left", "2 periods left", "1 period left"):
        expect(ada).to_have_text(left)
    expect(console.clock("Ada")).not_to_have_attribute("data-fallen", "")
    expect(console.clock("Ben").locator(".face-overtime")).to_be_hidden()
    expect(console.clock("Ada")).to_have_attribute("data-fallen", "")
    expect(console.events.filter(has_text="a period ended")).to_have_text(
        ["Ada: a period ended, 1 period left", "Ada: a period ended, 2 periods left"]
    )


def test_the_periods_stay_beside_a_clock_that_was_switched_away_from(
    open_page: Opener, service: Instance
) -> None:
    session = with_overtime(service.url, 0, {"period_ms": 60_000, "periods": 5})
    session.do("start", "switch")
    console = open_page(session.path)
    expect(console.clock("Ada").locator(".face-overtime")).to_have_text("5 periods left")
    expect(console.time_of("Ada")).to_have_text("1:00")


def test_the_turns_left_in_a_block_are_shown(open_page: Opener, service: Instance) -> None:
    session = with_overtime(service.url, 0, {"period_ms": 60_000, "turns": 20})
    session.do("start", "switch")
    console = open_page(session.path)
    expect(console.clock("Ada").locator(".face-overtime")).to_have_text("19 turns left")


def test_an_extra_bank_is_shown_below_zero(open_page: Opener, service: Instance) -> None:
    session = with_overtime(service.url, 1_000, {"extra_ms": 60_000})
    console = open_page(session.path)
    console.start()
    expect(console.time_of("Ada")).to_have_text(re.compile(r"^-0:(0[2-9]|[1-5]\d)$"))
    expect(console.clock("Ada")).not_to_have_attribute("data-fallen", "")
    console.page.keyboard.press("p")
    expect(console.status).to_have_text("paused")
    frozen = session.state["participants"][0]["clock"]["left_ms"]
    assert frozen < -2_000
    console.expect_remaining("Ada", frozen)
    more = console.clock("Ada").get_by_role("button", name="Add 15 seconds")
    expect(console.clock("Ada").get_by_role("button", name="Take 15 seconds off")).to_be_disabled()
    more.click()
    console.expect_remaining("Ada", 15_000 + frozen)


def test_an_extra_bank_ends_at_its_limit(open_page: Opener, service: Instance) -> None:
    session = with_overtime(service.url, 1_000, {"extra_ms": 2_000})
    console = open_page(session.path)
    console.start()
    expect(console.clock("Ada")).to_have_attribute("data-fallen", "")
    expect(console.time_of("Ada")).to_have_text("-0:02")


def test_a_clock_waits_for_its_delay(open_page: Opener, service: Instance) -> None:
    session = create_session(service.url, time_control={"delay_ms": 600_000})
    console = open_page(session.path)
    console.start()
    expect(console.page.locator(".usage-time").first).to_have_text(re.compile("^0:0[1-9]$"))
    console.expect_remaining("Ada", 600_000)


def test_an_item_that_runs_over_is_shown_below_zero_in_red(
    open_page: Opener, service: Instance
) -> None:
    talk = {"item_id": "talk", "title": "The talk", "duration_ms": 1_000, "on_end": "wait"}
    session = create_session(
        service.url, sync_mode="global", participants=[], items=[talk], overtime=True
    )
    console = open_page(session.path)
    console.start()
    expect(console.clock("The talk")).to_have_attribute("data-fallen", "")
    expect(console.clock("The talk").locator(".face-note")).to_have_text("Over time")
    expect(console.time_of("The talk")).to_have_text(re.compile("^-0:0"))

"""The page of an auction: a bid shortly before the close extends it."""

import re

from playwright.sync_api import expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.console import Console
from tests.e2e.stories import ApiSession, create_session
from tests.e2e.test_layout import WIDTHS, expect_all_inside

_RULE = {"window_ms": 90_000, "to_ms": 90_000, "at_most": 5}


def auction(url: str, bidders: tuple[str, ...] = (), total_time_ms: int = 30_000) -> ApiSession:
    """Create a pending auction in which each bid extends."""
    return create_session(
        url,
        sync_mode="global",
        total_time_ms=total_time_ms,
        participants=[{"participant_id": name, "name": name} for name in bidders],
        extend_on_switch=_RULE,
        metadata={"purpose": "auction", "title": "Lot 14"},
    )


def fact(console: Console, name: str, text: str) -> None:
    """Expect that a figure beside the clock has this text."""
    figure = console.page.locator(".facts > div").filter(has_text=name)
    expect(figure.locator("dd")).to_have_text(text)


def test_bids_extend_an_auction_until_it_closes(
    open_page: Opener, open_in_second_window: Opener
) -> None:
    host = open_page()
    host.page.locator("input[value=global]").check(force=True)
    host.page.get_by_role("button", name="Auction", exact=True).click()
    host.field("Open for").fill("0:30")
    host.submit.click()
    expect(host.status).to_have_text("pending")
    guest = open_in_second_window(host.page.url)
    host.start()
    expect(guest.clock("No bid yet")).to_contain_text("Open")
    host.page.get_by_role("button", name="Bid").click()
    for page in (host, guest):
        expect(page.clock("Bid 1")).to_contain_text(re.compile("Extended by 1:3"))
        fact(page, "Bids", "1")
        fact(page, "Extended", "1 time")
    expect(guest.time_of("Bid 1")).to_have_text(re.compile("^(2:00|1:5.)$"))
    guest.page.reload()
    expect(guest.clock("Bid 1")).to_contain_text(re.compile("Extended by 1:3"))
    host.page.keyboard.press("u")
    host.page.get_by_role("dialog").get_by_label("As if the bid had not happened").check()
    host.page.get_by_role("dialog").get_by_role("button", name="Undo").click()
    expect(guest.clock("No bid yet")).not_to_contain_text("Extended")
    fact(guest, "Extended", "0 times")


def test_each_bidder_has_a_button_and_the_highest_bid_has_a_name(
    open_page: Opener, service: Instance
) -> None:
    session = auction(service.url, ("Ada", "Ben", "Cleo"))
    session.do("start")
    console = open_page(session.path)
    bid = console.page.get_by_role("group", name="Bid by").get_by_role("button")
    expect(bid).to_have_text(["Ada", "Ben", "Cleo"])
    expect(console.primary).to_be_hidden()
    console.page.keyboard.press("Space")  # the main button is hidden, so its key does nothing
    for position, name in ((0, "Ada"), (2, "Cleo")):
        bid.nth(position).click()
        expect(console.clock(f"Highest bid: {name}")).to_be_visible()
        expect(bid.nth(position)).to_be_disabled()
    fact(console, "Bids", "2")
    fact(console, "Extended", "2 of 5")
    expect(console.events.first).to_have_text(re.compile("^Bid 2: Cleo, 0:.* more$"))
    session.do("complete")
    expect(console.page.locator(".outcome")).to_contain_text("The highest bid is by Cleo.")
    console.page.reload()
    expect(console.page.locator(".outcome")).to_contain_text("The highest bid is by Cleo.")


def test_an_auction_closes_when_its_time_is_up(open_page: Opener, service: Instance) -> None:
    session = auction(service.url, total_time_ms=1_000)
    console = open_page(session.path)
    console.start()
    expect(console.clock("Closed")).to_contain_text(re.compile("Time.s up"))
    expect(console.page.locator(".outcome")).to_have_text(re.compile("^Closed at .* without a bid"))


def test_many_bidders_fit(open_page: Opener, service: Instance) -> None:
    session = auction(service.url, tuple(f"The bidder with the number {n}" for n in range(12)))
    session.do("start", "switch", "pause", "resume")
    console = open_page(session.path)
    expect(console.page.locator(".bidder")).to_have_count(12)
    for width in WIDTHS:
        expect_all_inside(console, width)

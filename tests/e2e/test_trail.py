"""The console lists the events of the audit trail."""

import re

from playwright.sync_api import expect

from infra.local.instance import Instance, running
from tests.e2e.conftest import NO_LIMIT, Opener
from tests.e2e.problems import Problems
from tests.e2e.stories import create_session

S = "\N{RIGHT SINGLE QUOTATION MARK}s"
UNAVAILABLE = "the server responded with a status of 503"


def test_every_change_is_listed_newest_first(open_page: Opener, service: Instance) -> None:
    session = create_session(service.url)
    session.do("start", "switch", "pause", "resume")
    session.adjust(0, 195_000, "arbiter")
    session.do("complete")
    console = open_page(session.path)
    expect(console.events).to_have_text(
        [
            "Completed",
            f"Ada{S} clock set to 3:15 (arbiter)",
            "Resumed",
            "Paused",
            "Ada → Ben",
            f"Started: Ada{S} clock runs",
            "Session created",
        ]
    )
    facts = console.page.locator(".event-facts")
    expect(facts.nth(1)).to_have_text(re.compile(r"^\d+:\d\d:\d\d.*by the service.*clock 3:15$"))
    times = console.page.locator(".event-facts time").evaluate_all(
        "all => all.map(t => t.dateTime)"
    )
    assert times == [event["occurred_at"] for event in reversed(session.events)]


def test_names_from_right_to_left_keep_the_order_of_a_sentence(
    open_page: Opener, service: Instance
) -> None:
    names = ("\u05e9\u05e8\u05d4", "\u0639\u0644\u064a", "Ada")
    people = [{"participant_id": f"p{n}", "name": name} for n, name in enumerate(names)]
    session = create_session(
        service.url, "per_cycle", participants=people, time_per_cycle_ms=60_000
    )
    session.do("start", "switch", "switch")
    console = open_page(session.path)
    sarah, ali = (f"\N{FIRST STRONG ISOLATE}{one}\N{POP DIRECTIONAL ISOLATE}" for one in names[:2])
    expect(console.events).to_have_text(
        [f"{ali} → Ada", f"{sarah} → {ali}", f"Started: {sarah}{S} clock runs", "Session created"]
    )
    boxes = console.events.nth(1).evaluate("""text => [0, 1].map(n => {
      const range = document.createRange();
      const at = n ? text.firstChild.length - 2 : 1;
      range.setStart(text.firstChild, at);
      range.setEnd(text.firstChild, at + 1);
      return range.getBoundingClientRect().left;
    })""")
    assert boxes == sorted(boxes), "the one whose turn ended is to the left of the next"


def test_a_change_is_listed_at_once(open_page: Opener, service: Instance) -> None:
    session = create_session(service.url)
    console = open_page(session.path)
    expect(console.events).to_have_text(["Session created"])
    console.start()
    expect(console.events).to_have_text([f"Started: Ada{S} clock runs", "Session created"])
    session.do("switch")
    expect(console.events.first).to_have_text("Ada → Ben")


def test_a_flag_fall_is_listed_as_automatic(open_page: Opener) -> None:
    console = open_page()
    console.create(time_on_each_clock="0:01", added_per_turn="0")
    console.start()
    expect(console.events.first).to_have_text(f"Ada{S} flag fell: the session is over")
    expect(console.page.locator(".event-facts").first).to_contain_text("automatically")


def test_older_events_are_loaded_on_request(open_page: Opener, service: Instance) -> None:
    session = create_session(service.url)
    session.do("start", "switch", "switch", "switch", *["pause", "resume"] * 60)
    console = open_page(session.path)
    expect(console.events).to_have_count(100)
    assert [bar.turns for bar in console.bars] == [[], []]
    assert all(bar.before > 0 for bar in console.bars)
    console.page.get_by_role("button", name="Earlier").click()
    expect(console.events).to_have_count(125)
    expect(console.events.last).to_have_text("Session created")
    expect(console.page.get_by_role("button", name="Earlier")).to_be_hidden()
    assert [len(bar.turns) for bar in console.bars] == [2, 1]
    assert [bar.before for bar in console.bars] == [0, 0]


def test_without_an_audit_database_the_page_says_why_the_list_is_empty(
    redis_url: str, open_page: Opener, problems: Problems
) -> None:
    with running(redis_url, RATE_LIMIT_GENERAL=NO_LIMIT, RECOVERY="off") as service:
        session = create_session(service.url)
        session.do("start", "switch", "pause")
        console = open_page(service.url + session.path)
        trouble = console.page.locator(".trail-trouble")
        expect(trouble).to_contain_text("No audit database is set up", timeout=20_000)
        expect(console.events).to_have_count(0)
        used = [one["time_used_ms"] for one in session.state["participants"]]
        assert [bar.length for bar in console.bars] == used
        console.page.goto("about:blank")
    problems.expect(UNAVAILABLE)

"""A page shows its synchronisation, falls back, reconnects, and handles missing sessions."""

import re
from uuid import uuid4

import httpx
from playwright.sync_api import Browser, expect
from websockets.sync.client import connect

from infra.local.instance import Instance, running
from infra.local.postgres import EmbeddedPostgres
from tests.e2e.conftest import NO_LIMIT, Opener
from tests.e2e.console import Console, deadlines
from tests.e2e.problems import NOT_FOUND, Problems

HOUR_MS = 3_600_000

_NAMES_AND_TEXTS = "all => [all.map(one => one.dataset.sync), all.map(one => one.innerText)]"


def exam(session_id: str) -> dict[str, object]:
    """Return a create body with one clock of an hour."""
    return {"session_id": session_id, "sync_mode": "global", "total_time_ms": HOUR_MS}


def test_the_page_shows_its_synchronisation_figures(open_page: Opener) -> None:
    console = open_page()
    console.create()
    expect(console.connection).to_have_text("Live")
    expect(console.sync("transport")).to_have_text("WebSocket")
    expect(console.sync("version")).to_have_text("1")
    expect(console.sync("offset")).to_have_text(re.compile(r"^\S\d+ ms$"))
    expect(console.sync("trip")).to_have_text(re.compile(r"^\d+\.\d ms$"))
    expect(console.sync("bound")).to_have_text(re.compile(r"^±\d+\.\d ms$"))
    exactness = console.page.locator(".sync div", has=console.sync("bound"))
    expect(exactness).to_have_text(re.compile("^accurate to±"))
    # Read all at once, because a new measurement may change them at any time.
    names, texts = console.page.locator("[data-sync]").evaluate_all(_NAMES_AND_TEXTS)
    figures = dict(zip(names, texts, strict=True))
    trip = float(figures["trip"].removesuffix(" ms"))
    bound = float(figures["bound"].strip("± ms"))
    # One measurement's error is at most half its round trip plus half the server's millisecond;
    # several that agree give a smaller bound.
    assert 0 < bound < trip / 2 + 3


def test_a_host_sees_how_many_screens_show_the_exact_time(
    open_page: Opener, service: Instance
) -> None:
    console = open_page()
    console.create()
    expect(console.sync("screens")).to_have_text("1 of 1 within 40 ms")
    with connect(f"{service.ws}?sessionId={console.session_id}") as screen:
        expect(console.sync("screens")).to_have_text("1 of 2 within 40 ms")
        line = console.page.locator("div", has=console.sync("screens")).last
        expect(line).to_have_attribute("title", re.compile("^One screen"))
        screen.send('{"type": "PING", "error_ms": 39}')
        expect(console.sync("screens")).to_have_text("2 of 2 within 40 ms")
        expect(line).to_have_attribute("title", "")
    expect(console.sync("screens")).to_have_text("1 of 1 within 40 ms")


def test_a_page_falls_back_to_server_sent_events_without_websockets(
    chromium: Browser, service: Instance, problems: Problems
) -> None:
    with chromium.new_context() as window:
        window.route_web_socket("**/ws?*", lambda socket: socket.close())
        console = Console(window.new_page())
        problems.watch(console.page)
        console.page.goto(service.url)
        console.create()
        expect(console.connection).to_have_text("Live")
        expect(console.sync("transport")).to_have_text("Server-sent events")
        url = f"{service.url}/v1/sessions/{console.session_id}"
        httpx.post(f"{url}/start").raise_for_status()
        expect(console.status).to_have_text("running")


def test_a_page_reconnects_by_itself_after_a_crash(
    redis_url: str, postgres: EmbeddedPostgres, open_page: Opener, problems: Problems
) -> None:
    settings = {"RATE_LIMIT_GENERAL": NO_LIMIT, "DATABASE_URL": postgres.url}
    with running(redis_url, quiet=False, port=None, **settings) as first:
        console = open_page(first.url)
        console.create()
        console.start()
        expect(console.connection).to_have_text("Live")
        first.process.kill()
        expect(console.connection).to_have_text("Reconnecting")
        before = deadlines([console], "Ada")
    with running(redis_url, quiet=False, port=first.port, **settings) as second:
        url = f"{second.url}/v1/sessions/{console.session_id}"
        assert deadlines([console], "Ada")[0] - before[0] < 30
        httpx.post(f"{url}/switch").raise_for_status()
        expect(console.active).to_have_text("Ben")
        expect(console.connection).to_have_text("Live")
        state = httpx.get(url).json()["data"]
        console.expect_remaining("Ada", state["participants"][0]["time_remaining_ms"])
        console.page.keyboard.press("Space")
        expect(console.active).to_have_text("Ada")
        console.page.goto("about:blank")
    problems.all = [line for line in problems.all if "ERR_CONNECTION" not in line]


def test_a_waiting_page_opens_its_session_when_it_is_created(
    open_page: Opener, service: Instance, problems: Problems
) -> None:
    session_id = str(uuid4())
    console = open_page(f"/?session={session_id}")
    expect(console.page.locator(".message-page h1")).to_have_text("Nothing here yet")
    httpx.post(f"{service.url}/v1/sessions", json=exam(session_id)).raise_for_status()
    expect(console.time_of("Everyone")).to_have_text("1:00:00")
    expect(console.status).to_have_text("pending")
    problems.expect(NOT_FOUND)


def test_a_waiting_page_can_create_its_session(open_page: Opener, problems: Problems) -> None:
    address = f"/?session={uuid4()}"
    console = open_page(address)
    console.page.get_by_role("link", name="Create it here").click()
    console.create()
    assert console.page.url.endswith(address)
    problems.expect(NOT_FOUND)


def test_every_tab_shows_that_its_session_was_deleted(open_page: Opener) -> None:
    one = open_page()
    one.create()
    two = open_page(one.page.url)
    expect(two.status).to_have_text("pending")
    one.page.get_by_role("button", name="More").click()
    one.page.get_by_role("button", name="Delete the session").click()
    one.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    for tab in (one, two):
        expect(tab.page.locator(".message-page h1")).to_have_text("This session was deleted")


def test_an_invalid_session_id_shows_an_error_page(open_page: Opener) -> None:
    console = open_page("/?session=12345")
    expect(console.page.locator(".message-page h1")).to_have_text(
        "This link doesn\N{RIGHT SINGLE QUOTATION MARK}t lead to a session"
    )


def test_back_and_forward_move_between_form_and_session(open_page: Opener) -> None:
    console = open_page()
    console.create()
    console.page.go_back()
    expect(console.submit).to_be_visible()
    console.page.go_forward()
    expect(console.time_of("Ada")).to_have_text("3:00")

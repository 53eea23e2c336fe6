"""The console with a service that requires tokens."""

import re
from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Request, expect

from infra.local.instance import Instance
from shared.auth.claims import LEEWAY_S
from tests.e2e.console import Console
from tests.e2e.problems import FORBIDDEN, NOT_FOUND, Problems
from tests.support import tokens
from tests.support.api import chess

UNAUTHORIZED = "the server responded with a status of 401"

VALID_S = 8

Open = Callable[[str], Console]


@pytest.fixture
def window(chromium: Browser, auth_service: Instance) -> Iterator[BrowserContext]:
    """A new window with `auth_service` as base URL."""
    with chromium.new_context(base_url=auth_service.url) as window:
        yield window


@pytest.fixture
def open_link(window: BrowserContext, problems: Problems) -> Open:
    """Opens a link in a new tab."""

    def open_tab(link: str) -> Console:
        page = window.new_page()
        problems.watch(page)
        page.goto(link)
        return Console(page)

    return open_tab


def create_session(auth_service: Instance, token: str) -> str:
    """Create a session with `token` and return its id."""
    url = f"{auth_service.url}/v1/sessions"
    answer = httpx.post(url, json=chess(), headers=tokens.bearer(token))
    return str(answer.raise_for_status().json()["data"]["session_id"])


def test_a_host_link_lets_its_owner_create_and_control_a_session(open_link: Open) -> None:
    host = tokens.host()
    console = open_link(f"/#token={host}")
    requests: list[Request] = []
    console.page.on("request", lambda request: requests.append(request))
    console.create()
    console.start()
    expect(console.connection).to_have_text("Live")
    console.page.keyboard.press("Space")
    expect(console.active).to_have_text("Ben")
    console.page.reload()
    expect(console.active).to_have_text("Ben")
    changes = [request for request in requests if request.method == "POST"]
    assert {request.headers["authorization"] for request in changes} == {f"Bearer {host}"}
    assert not [request.url for request in requests if host in request.url]


def test_the_host_s_token_appears_in_no_url_page_or_copied_link(
    open_link: Open, window: BrowserContext
) -> None:
    host = tokens.host()
    console = open_link(f"/#token={host}")
    console.create()
    page = console.page
    window.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.press("s")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    for seen in (page.url, page.evaluate("navigator.clipboard.readText()"), page.content()):
        assert host not in seen
    assert "token" not in page.url
    page.go_back()
    assert "token" not in page.url
    assert page.evaluate("Object.values({...localStorage}).join()").find(host) == -1


def test_a_cohost_controls_the_session_of_its_link_and_creates_none(
    open_link: Open, window: BrowserContext
) -> None:
    host = open_link(f"/#token={tokens.host()}")
    host.create()
    host.page.get_by_role("button", name="Share").click()
    dialog = host.page.get_by_role("dialog")
    expect(dialog).to_contain_text("make run LAN=1")
    dialog.get_by_label("Link to").select_option("Host")
    dialog.get_by_label("Works for").select_option("1 hour")
    expect(dialog.get_by_role("status")).to_contain_text("do everything with this session")
    link = dialog.get_by_role("textbox", name="Link")
    expect(link).to_have_value(re.compile("#token="))
    cohost = open_link(link.input_value())
    cohost.start()
    expect(host.status).to_have_text("running")
    cohost.page.get_by_role("button", name="More").click()
    cohost.page.get_by_role("button", name="Complete").click()
    cohost.page.get_by_role("dialog").get_by_role("button", name="Complete").click()
    expect(cohost.status).to_have_text("completed")
    expect(cohost.page.get_by_role("link", name="New session", exact=True)).to_be_hidden()
    expect(host.page.get_by_role("link", name="New session", exact=True)).to_be_visible()


def test_a_second_tab_uses_the_same_token(open_link: Open, window: BrowserContext) -> None:
    console = open_link(f"/#token={tokens.host()}")
    console.create()
    with window.expect_page() as new_page:
        console.page.get_by_role("link", name="Second tab").click()
    second = Console(new_page.value)
    second.start()
    expect(console.status).to_have_text("running")


def test_a_spectator_can_watch_but_not_change_a_session(
    open_link: Open, auth_service: Instance, problems: Problems
) -> None:
    session_id = create_session(auth_service, tokens.host())
    console = open_link(f"/?session={session_id}#token={tokens.spectator(session_id)}")
    expect(console.status).to_have_text("pending")
    expect(console.page.locator(".trail-trouble")).to_contain_text("Only the host of a session")
    expect(console.events).to_have_count(0)
    expect(console.page.locator(".usage-rows li")).to_have_count(2)
    expect(console.primary).to_be_hidden()
    problems.expect(FORBIDDEN)


@pytest.mark.parametrize(
    "link",
    ["", "#token=nonsense", f"#token={tokens.signed(tokens.claims('host', 'a', -60))}"],
    ids=["none", "nonsense", "expired"],
)
def test_a_missing_or_invalid_token_shows_that_a_new_link_is_needed(
    open_link: Open, auth_service: Instance, problems: Problems, link: str
) -> None:
    session_id = create_session(auth_service, tokens.host())
    console = open_link(f"/?session={session_id}{link}")
    expect(console.page.locator(".message-page h1")).to_have_text("You need a new link")
    expect(console.connection).to_have_text("Closed")
    problems.expect(UNAUTHORIZED)


def test_a_token_of_another_session_opens_no_session(
    open_link: Open, auth_service: Instance, problems: Problems
) -> None:
    session_id = create_session(auth_service, tokens.host())
    console = open_link(f"/?session={session_id}#token={tokens.spectator(str(uuid4()))}")
    expect(console.page.locator(".message-page h1")).to_have_text("Nothing here yet")
    expect(console.page.locator(".message-page a")).to_have_count(0)
    problems.expect(NOT_FOUND)


def test_a_session_cannot_be_created_without_a_token(open_link: Open, problems: Problems) -> None:
    console = open_link("/")
    console.submit.click()
    expect(console.page.locator(".form-error")).to_contain_text("You need permission to create")
    problems.expect(UNAUTHORIZED)


def test_a_new_token_is_used_without_a_reload(
    open_link: Open, auth_service: Instance, problems: Problems
) -> None:
    host = tokens.host()
    session_id = create_session(auth_service, host)
    console = open_link(f"/?session={session_id}")
    expect(console.page.locator(".message-page h1")).to_have_text("You need a new link")
    console.page.evaluate("hash => { location.hash = hash }", f"token={host}")
    expect(console.status).to_have_text("pending")
    assert "token" not in console.page.url
    problems.expect(UNAUTHORIZED)


def test_an_expiring_token_shows_that_a_new_link_is_needed(
    open_link: Open, auth_service: Instance, problems: Problems
) -> None:
    session_id = create_session(auth_service, tokens.host())
    short = tokens.host(lifetime_s=VALID_S - LEEWAY_S)
    console = open_link(f"/?session={session_id}#token={short}")
    expect(console.status).to_have_text("pending")
    expect(console.page.locator(".message-page h1")).to_have_text("You need a new link")
    problems.expect(UNAUTHORIZED)

"""The start page lists the sessions of this browser, and those of a host."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from infra.local.instance import Instance
from tests.e2e.console import Console
from tests.e2e.problems import FORBIDDEN, Problems
from tests.support import tokens
from tests.support.api import chess

_HAS_TOKEN = "() => JSON.parse(localStorage.getItem('synckairos.recent'))[0].token"


@pytest.fixture
def window(chromium: Browser, auth_service: Instance) -> Iterator[BrowserContext]:
    """A new browser, which has opened no session yet."""
    with chromium.new_context(base_url=auth_service.url) as window:
        yield window


def tab(window: BrowserContext, address: str, problems: Problems) -> Page:
    """Open a new tab, without the token of another one."""
    page = window.new_page()
    problems.watch(page)
    page.goto(address)
    return page


def entries(page: Page) -> Locator:
    return page.get_by_role("region", name="Your sessions").get_by_role("listitem")


def kept(page: Page) -> list[dict[str, Any]]:
    """Return what the browser keeps."""
    return list(json.loads(page.evaluate("localStorage.getItem('synckairos.recent')") or "[]"))


def created(service: Instance, host: str, title: str) -> str:
    body = chess(metadata={"title": title})
    answer = httpx.post(f"{service.url}/v1/sessions", json=body, headers=tokens.bearer(host))
    return str(answer.raise_for_status().json()["data"]["session_id"])


def test_a_closed_tab_of_a_host_loses_no_session_and_leaves_no_host_token(
    window: BrowserContext, problems: Problems
) -> None:
    host = tokens.host()
    first = Console(tab(window, f"/#token={host}", problems))
    first.create()
    first.start()
    session_id = first.session_id
    first.page.wait_for_function(_HAS_TOKEN)
    (entry,) = kept(first.page)
    claims = tokens.claims_of(entry["token"])
    assert (claims["role"], claims["session_id"]) == ("cohost", session_id)
    assert claims["exp"] <= tokens.claims_of(host)["exp"]
    assert host not in json.dumps(first.page.evaluate("({...localStorage})"))
    first.page.close()
    page = tab(window, "/", problems)
    expect(entries(page)).to_have_count(1)
    expect(entries(page)).to_contain_text("running")
    entries(page).get_by_role("link").click()
    again = Console(page)
    expect(again.status).to_have_text("running")
    again.page.get_by_role("button", name="Pause").click()
    expect(again.status).to_have_text("paused")


def test_a_host_s_other_sessions_are_listed_too(
    window: BrowserContext, auth_service: Instance, problems: Problems
) -> None:
    host = tokens.host("greta")
    for n in range(4):
        created(auth_service, host, f"Game {n}")
    page = tab(window, f"/#token={host}", problems)
    expect(entries(page)).to_have_count(3)
    page.get_by_role("button", name="Show all 4").click()
    expect(entries(page)).to_have_count(4)
    entries(page).get_by_role("link", name="Game 0").click()
    expect(Console(page).status).to_have_text("pending")


def test_tokens_are_dropped_when_the_session_ends(
    window: BrowserContext, auth_service: Instance, problems: Problems
) -> None:
    host = tokens.host()
    session_id = created(auth_service, host, "Final")
    page = tab(window, f"/?session={session_id}#token={tokens.spectator(session_id)}", problems)
    expect(Console(page).status).to_have_text("pending")
    page.wait_for_function(_HAS_TOKEN)
    cancel = f"{auth_service.url}/v1/sessions/{session_id}/cancel"
    httpx.post(cancel, headers=tokens.bearer(host)).raise_for_status()
    expect(Console(page).status).to_have_text("cancelled")
    (entry,) = kept(page)
    assert (entry["status"], "token" in entry) == ("cancelled", False)
    problems.ignore(FORBIDDEN)  # only hosts may read the history


def test_a_session_that_no_longer_exists_is_told_and_can_be_removed(
    window: BrowserContext, auth_service: Instance, problems: Problems
) -> None:
    host = tokens.host()
    ids = [created(auth_service, host, title) for title in ("Gone", "There")]
    for session_id in ids:
        link = f"/?session={session_id}#token={tokens.spectator(session_id)}"
        page = tab(window, link, problems)
        expect(Console(page).status).to_have_text("pending")
        page.wait_for_function(_HAS_TOKEN)
        page.close()
    httpx.delete(f"{auth_service.url}/v1/sessions/{ids[0]}", headers=tokens.bearer(host))
    page = tab(window, "/", problems)
    gone, there = (entries(page).filter(has_text=title) for title in ("Gone", "There"))
    expect(gone).to_contain_text("no longer exists")
    expect(gone.get_by_role("link")).to_have_count(0)
    expect(there).to_contain_text("Watching")
    gone.get_by_role("button", name="Remove Gone from the list").click()
    expect(entries(page)).to_have_count(1)
    page.get_by_role("button", name="Clear the list").click()
    expect(page.get_by_role("region", name="Your sessions")).to_be_hidden()
    assert kept(page) == []
    problems.ignore(FORBIDDEN)


def test_the_list_is_bounded_and_expired_tokens_are_dropped(
    window: BrowserContext, problems: Problems
) -> None:
    page = tab(window, "/", problems)
    old = {"title": "Old", "kind": "Quiz", "status": "pending", "role": "spectator", "openedAt": 1}
    many = [{**old, "id": str(n), "token": "t", "until": 1} for n in range(40)]
    page.evaluate("all => localStorage.setItem('synckairos.recent', all)", json.dumps(many))
    page.reload()
    expect(entries(page).first).to_contain_text("link not kept")
    expect(entries(page).get_by_role("link")).to_have_count(0)
    entries(page).first.get_by_role("button").click()
    assert len(kept(page)) == 30
    assert all("token" not in one for one in kept(page))


def test_without_authentication_the_list_leads_back_to_the_sessions(
    chromium: Browser, service: Instance, problems: Problems
) -> None:
    with chromium.new_context(base_url=service.url) as window:
        console = Console(tab(window, "/", problems))
        console.create("global")
        session_id = console.session_id
        console.page.close()
        page = tab(window, "/", problems)
        expect(entries(page)).to_have_count(1)
        entries(page).get_by_role("link").click()
        expect(Console(page).status).to_have_text("pending")
        assert Console(page).session_id == session_id

"""A page that gets 429 or 503 says why it waits, and continues by itself."""

import re

import pytest
from playwright.sync_api import Browser, Route, expect

from infra.local.instance import Instance
from tests.e2e.conftest import Opener
from tests.e2e.console import Console
from tests.e2e.problems import Problems

_WAIT_S = 2
_WORDS = {
    429: ("Too many requests", "Many people are using this network."),
    503: ("The service is busy", "answer right now."),
}


@pytest.mark.parametrize("status", list(_WORDS))
def test_a_refused_page_says_why_it_waits_and_retries_by_itself(
    chromium: Browser, service: Instance, open_page: Opener, problems: Problems, status: int
) -> None:
    host = open_page()
    host.create()
    is_busy = True

    def refuse(route: Route) -> None:
        if not is_busy:
            route.continue_()
            return
        code = "RATE_LIMIT_EXCEEDED" if status == 429 else "STORE_UNAVAILABLE"
        error = {"code": code, "message": "Too much", "request_id": "1"}
        headers = {"Retry-After": str(_WAIT_S)}
        route.fulfill(status=status, json={"error": error}, headers=headers)

    with chromium.new_context() as window:
        console = Console(window.new_page())
        problems.watch(console.page)
        window.route("**/v1/sessions/**", refuse)
        console.page.goto(f"{service.url}/?session={host.session_id}")
        title, words = _WORDS[status]
        expect(console.page.get_by_role("heading", level=1)).to_have_text(title)
        expect(console.page.get_by_text(words)).to_contain_text(
            f"automatically in {_WAIT_S} seconds"
        )
        is_busy = False
        expect(console.connection).to_have_text("Live")
        expect(console.status).to_have_text("pending")
    problems.expect(f"status of {status}")


def test_a_refused_action_says_when_to_try_again(
    open_in_new_window: Opener, problems: Problems
) -> None:
    console = open_in_new_window()
    console.create()
    error = {"code": "RATE_LIMIT_EXCEEDED", "message": "Too much", "request_id": "1"}
    console.page.route(
        "**/start",
        lambda route: route.fulfill(
            status=429, json={"error": error}, headers={"Retry-After": "60"}
        ),
    )
    console.page.keyboard.press("Space")
    toast = console.page.locator("#toast")
    expect(toast).to_have_text(re.compile(r"Try again in \d+ seconds\."))
    problems.expect("the server responded with a status of 429")

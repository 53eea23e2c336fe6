"""The pages comply with their Content Security Policy, and it stops attacks (CSP Level 3)."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from infra.local.instance import Instance
from tests.e2e.console import Console
from tests.e2e.problems import Problems

_LISTEN = """window.violations = [];
document.addEventListener("securitypolicyviolation", event =>
  window.violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}`));
"""
ATTACKS = {
    "script-src-elem": """document.body.append(
        Object.assign(document.createElement("script"), {textContent: "window.taken = 1"}))""",
    "script-src-attr": """document.body.insertAdjacentHTML(
        "beforeend", "<svg onload='window.taken = 1'>")""",
    "style-src-attr": """document.body.insertAdjacentHTML(
        "beforeend", "<p style='color: red'>")""",
    "connect-src": 'fetch("http://127.0.0.1:9/").catch(() => {})',
    "frame-src": """document.body.append(
        Object.assign(document.createElement("iframe"), {src: "/"}))""",
}
"""Scripts by the directive that each of them violates."""

_CSP_MESSAGE = "Content Security Policy"
_IS_REPORTED = "directive => window.violations.some(line => line.startsWith(directive))"


@pytest.fixture
def page(chromium: Browser, service: Instance, problems: Problems) -> Iterator[Page]:
    """A page in a window of its own that records violations of its policy."""
    with chromium.new_context(base_url=service.url) as window:
        page = window.new_page()
        page.add_init_script(_LISTEN)
        problems.watch(page)
        yield page


def violations(page: Page) -> list[str]:
    """Return the violations since the page was opened."""
    return list(page.evaluate("window.violations"))


def test_the_console_violates_no_policy_during_a_session(page: Page) -> None:
    page.goto("/")
    console = Console(page)
    page.locator("#theme").click()
    console.create(time_on_each_clock="0:05")
    expect(console.connection).to_have_text("Live")
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Add a person").click()
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    console.start()
    for _ in range(3):
        page.keyboard.press("Space")
    page.get_by_role("button", name="Pause").click()
    expect(console.status).to_have_text("paused")
    page.get_by_role("button", name="Resume").click()
    expect(console.status).to_have_text("running")
    page.get_by_role("button", name="Share").click()
    expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Complete").click()
    page.get_by_role("dialog").get_by_role("button", name="Complete").click()
    expect(console.status).to_have_text("completed")
    assert violations(page) == []


def test_the_documentation_violates_no_policy(page: Page) -> None:
    page.goto("/api-docs")
    block = page.locator("#operations-service-read_time_v1_time_get")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table")).to_contain_text("timestamp_ms")
    assert violations(page) == []


@pytest.mark.parametrize("path", ["/", "/api-docs"])
def test_the_policy_blocks_injected_content(page: Page, problems: Problems, path: str) -> None:
    page.goto(path)
    for directive, attack in ATTACKS.items():
        with page.expect_console_message(lambda message: _CSP_MESSAGE in message.text):
            page.evaluate(f"() => {{ {attack} }}")
        page.wait_for_function(_IS_REPORTED, arg=directive)
    assert {line.split()[0] for line in violations(page)} == set(ATTACKS)
    assert page.evaluate("window.taken") is None
    problems.expect(_CSP_MESSAGE)
